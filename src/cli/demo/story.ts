import { rowsOf } from "../answer.ts";
import type { Effect, Entry } from "./ledger.ts";

/** What happened to one thing, and where the ledger says so. */
export interface Moment {
  readonly seq: number;
  readonly atMs: number;
}

export interface TaskMoment extends Moment {
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly holder: string | undefined;
  readonly effect: Effect;
}

interface Voice extends Moment {
  readonly id: string;
  readonly agent: string;
  readonly title: string;
}

interface TopicStory {
  readonly id: string;
  readonly title: string;
  readonly electorate: readonly string[];
  readonly solutions: Voice[];
  readonly ballots: Voice[];
  decided:
    | (Moment & { readonly winner: string; readonly by: string; readonly why: string })
    | undefined;
}

interface EscalationStory {
  readonly id: string;
  readonly task: string | undefined;
  readonly raisedBy: string;
  readonly summary: string;
  readonly opened: Moment;
  resolved:
    | (Moment & { readonly principal: string; readonly action: string; readonly text: string })
    | undefined;
}

interface AgentMoment extends Moment {
  readonly agent: string;
  readonly event: string;
  readonly why: string | undefined;
}

interface GateMoment extends Moment {
  readonly task: string;
  readonly gate: string;
  readonly verdict: string;
  readonly summary: string;
}

/** All of it, out of nothing but the ledger's entries. */
export interface Story {
  readonly startMs: number;
  readonly endMs: number;
  readonly entries: number;
  readonly tasks: ReadonlyMap<string, readonly TaskMoment[]>;
  readonly topics: readonly TopicStory[];
  readonly escalations: readonly EscalationStory[];
  readonly agents: readonly AgentMoment[];
  readonly gates: readonly GateMoment[];
  readonly planDone: Moment | undefined;
}

interface Draft {
  tasks: Map<string, TaskMoment[]>;
  topics: Map<string, TopicStory>;
  escalations: Map<string, EscalationStory>;
  agents: AgentMoment[];
  gates: GateMoment[];
  planDone: Moment | undefined;
}

export function tellStory(entries: readonly Entry[]): Story {
  const draft: Draft = {
    tasks: new Map(),
    topics: new Map(),
    escalations: new Map(),
    agents: [],
    gates: [],
    planDone: undefined,
  };
  for (const entry of entries) {
    for (const effect of entry.effects) READERS[effect.type]?.(draft, entry, effect);
  }
  const submitted = entries.find((entry) => entry.action === "submit_plan");
  return {
    startMs: submitted?.atMs ?? entries[0]?.atMs ?? 0,
    endMs: draft.planDone?.atMs ?? entries.at(-1)?.atMs ?? 0,
    entries: entries.length,
    tasks: draft.tasks,
    topics: [...draft.topics.values()],
    escalations: [...draft.escalations.values()],
    agents: draft.agents,
    gates: draft.gates,
    planDone: draft.planDone,
  };
}

type Reader = (draft: Draft, entry: Entry, effect: Effect) => void;

const READERS: Readonly<Record<string, Reader>> = {
  task: (draft, entry, effect) => {
    if (effect["from"] === undefined) return;
    const id = text(effect, "id");
    const moments = draft.tasks.get(id) ?? [];
    draft.tasks.set(id, moments);
    moments.push({
      ...momentOf(entry),
      event: text(effect, "event"),
      from: text(effect, "from"),
      to: text(effect, "to"),
      holder: effect["holder"] === undefined ? undefined : text(effect, "holder"),
      effect,
    });
  },
  plan: (draft, entry, effect) => {
    if (effect["to"] === "done") draft.planDone = momentOf(entry);
  },
  agent: (draft, entry, effect) => {
    draft.agents.push({
      ...momentOf(entry),
      agent: text(effect, "id"),
      event: text(effect, "event"),
      why: effect["why"] === undefined ? undefined : text(effect, "why"),
    });
  },
  gate_run: (draft, entry, effect) => {
    if (effect["summary"] === undefined) return;
    draft.gates.push({
      ...momentOf(entry),
      task: text(effect, "task"),
      gate: text(effect, "gate"),
      verdict: text(effect, "to"),
      summary: text(effect, "summary"),
    });
  },
  topic: readTopic,
  solution: (draft, entry, effect) => {
    draft.topics.get(text(effect, "topic"))?.solutions.push({
      ...momentOf(entry),
      id: text(effect, "id"),
      agent: text(effect, "author"),
      title: text(effect, "title"),
    });
  },
  ballot: (draft, entry, effect) => {
    const agent = text(effect, "voter");
    const ballot = { ...momentOf(entry), id: text(effect, "id"), agent, title: "" };
    draft.topics.get(text(effect, "topic"))?.ballots.push(ballot);
  },
  escalation: readEscalation,
};

function readTopic(draft: Draft, entry: Entry, effect: Effect): void {
  const id = text(effect, "id");
  if (effect["event"] === "opened") {
    const electorate = Array.isArray(effect["electorate"]) ? effect["electorate"].map(String) : [];
    const title = text(effect, "title");
    draft.topics.set(id, { id, title, electorate, solutions: [], ballots: [], decided: undefined });
  }
  const topic = draft.topics.get(id);
  if (effect["event"] === "voting_opened") nameSolutions(topic, effect);
  if (effect["event"] !== "decided" || topic === undefined) return;
  topic.decided = {
    ...momentOf(entry),
    winner: text(effect, "winner"),
    by: text(effect, "by"),
    why: text(effect, "why"),
  };
}

/** What was proposed is told when voting opens. */
function nameSolutions(topic: TopicStory | undefined, effect: Effect): void {
  for (const named of rowsOf(effect, "solutions")) {
    const solution = topic?.solutions.find(({ id }) => id === named["id"]);
    if (solution !== undefined) Object.assign(solution, { title: String(named["title"]) });
  }
}

function readEscalation(draft: Draft, entry: Entry, effect: Effect): void {
  const id = text(effect, "id");
  if (effect["event"] === "raised") {
    draft.escalations.set(id, {
      id,
      task: effect["task"] === undefined ? undefined : text(effect, "task"),
      raisedBy: entry.actor,
      summary: text(effect, "summary"),
      opened: momentOf(entry),
      resolved: undefined,
    });
  }
  const escalation = draft.escalations.get(id);
  if (effect["to"] !== "resolved" || escalation === undefined) return;
  const { principal, action } = entry;
  const said = text(effect, "resolution");
  escalation.resolved = { ...momentOf(entry), principal, action, text: said };
}

function momentOf({ seq, atMs }: Entry): Moment {
  return { seq, atMs };
}

/** A field of an effect as text; "" where it is not there. */
export function text(effect: Effect, name: string): string {
  const value = effect[name];
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : "";
}

/** The gates that a task was sent back for. */
export function missingOf({ effect }: TaskMoment): readonly string[] {
  const { missing } = effect;
  return Array.isArray(missing) ? missing.map(String) : [];
}
