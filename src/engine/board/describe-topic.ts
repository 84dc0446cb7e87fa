import type { Solution, Topic } from "../../core/board.ts";
import { shuffledFor } from "../../core/consensus/shuffled-for.ts";
import { awaitsMediator, isMediating } from "../../core/mediation.ts";
import { isMeasured, whyOff } from "../../core/solution-checks.ts";
import {
  awaitsPerson,
  hasSpoken,
  isHidden,
  isUnsealed,
  takesBallots,
  vetoRolesOf,
  takesSolutions,
  type TopicReader,
} from "../../core/topic-decisions.ts";
import {
  hasRevote,
  methodNow,
  recordedIn,
  revotePair,
  votersOf,
  type Deliberation,
} from "../../core/topic-record.ts";
import type { AuditRow, ReadTx } from "../../store/store.ts";
import type { JsonObject } from "../call.ts";
import { cut } from "../inbox.ts";
import { iso, present } from "../task-view.ts";
import { describeConflicts } from "./compare-solutions.ts";
import { topicComplexity } from "./topic-complexity.ts";

/** Characters that the bodies of all solutions share in one answer, and what each has at least. */
const BODIES_CHARACTERS = 40_000;
const BODY_CHARACTERS = 2000;
const REASON_CHARACTERS = 300;
/** Entries of the moment in which a topic was opened that are looked through for that one. */
const MOST_AT_ONCE = 1000;

/** What a topic wants of this agent now; undefined when nothing. */
export function wantedOf(
  deliberation: Deliberation,
  agent: string | undefined,
): "propose" | "vote" | undefined {
  const { topic, ballots, mediator } = deliberation;
  if (isMediating(topic)) {
    const isAsked = agent !== undefined && agent === mediator && awaitsMediator(topic);
    return isAsked ? "propose" : undefined;
  }
  if (agent === undefined || !votersOf(topic).includes(agent)) return undefined;
  if (takesSolutions(topic)) return hasSpoken(deliberation, agent) ? undefined : "propose";
  if (!takesBallots(topic)) return undefined;
  const hasVoted = ballots.some(({ round, voter }) => round === topic.round && voter === agent);
  return hasVoted ? undefined : "vote";
}

/** The one thing to do next. */
export function nextStep(deliberation: Deliberation, agent: string | undefined): string {
  const { topic } = deliberation;
  const wait = `read_board {"topic_id":"${topic.id}","wait_seconds":25}`;
  const wanted = wantedOf(deliberation, agent);
  if (wanted === "propose") {
    return `Call propose_solution {"topic_id":"${topic.id}","title":…,"body":…}, or with "pass":true.`;
  }
  if (wanted === "vote") {
    const ballot = methodNow(topic) === "approval" ? "all you approve" : "best first";
    const veto = vetoRolesOf(topic, agent ?? "").length > 0 ? ',"veto":[what must not win]' : "";
    return `Read the solutions, then vote {"topic_id":"${topic.id}","ballot":[${ballot}]${veto},"reason":…}.`;
  }
  if (awaitsPerson(topic)) {
    return `Do nothing irreversible yet: a person must confirm it. Wait with ${wait}.`;
  }
  const winner = topic.decision?.winner ?? null;
  return {
    proposing: `Go on with other work, or wait with ${wait}.`,
    voting: `Go on with other work, or wait with ${wait}.`,
    decided: winner === null ? "None was chosen: see the reason." : `Follow ${winner}.`,
    no_consensus: "A person was asked to decide; go on with other work.",
    withdrawn: "Nothing is to be decided any more.",
  }[topic.state];
}

/** Only how many: who voted what is sealed. */
export function countCast(
  { topic, ballots }: Deliberation,
  round: number,
): { readonly cast: number; readonly of: number } {
  const cast = ballots.filter((ballot) => ballot.round === round).length;
  return { cast, of: votersOf(topic, round).length };
}

/** One line of a list. */
export function topicRow(deliberation: Deliberation, agent: string | undefined): JsonObject {
  const { topic, solutions } = deliberation;
  return present({
    id: topic.id,
    title: topic.title,
    state: topic.state,
    awaits: awaitsPerson(topic) ? "person" : null,
    wants: wantedOf(deliberation, agent),
    solutions: solutions.length,
    ballots: takesBallots(topic) ? countCast(deliberation, topic.round) : null,
    until: untilOf(topic),
    task: topic.taskId,
    winner: topic.decision?.winner,
  });
}

/** When it is due next; null where it is not. */
export function untilOf(topic: Topic): string | null {
  if (topic.state === "proposing") return iso(topic.proposeUntilMs);
  return takesBallots(topic) && topic.voteUntilMs !== null ? iso(topic.voteUntilMs) : null;
}

export function readerOf(agent: string | undefined): TopicReader {
  return agent === undefined ? { kind: "person" } : { kind: "agent", name: agent };
}

export interface TopicView {
  /** Sees the solutions in its own order until voting closes. */
  readonly reader: TopicReader;
  /** Everything that was counted, and nothing cut. */
  readonly whole: boolean;
  /** Of a closed topic: what compareSolutions found. */
  readonly merges?: unknown;
}

/**
 * A topic with its solutions; while it is open nothing of what was cast but the number.
 */
export async function describeTopic(
  tx: ReadTx,
  deliberation: Deliberation,
  { reader, whole, merges }: TopicView,
): Promise<JsonObject> {
  const { topic } = deliberation;
  const agent = reader.kind === "agent" ? reader.name : undefined;
  const shown = deliberation.solutions.filter((solution) => !isHidden(topic, solution, reader));
  const isPart = shown.length < deliberation.solutions.length;
  const solutions = await inOrderFor(tx, { topic, solutions: shown }, reader);
  const share = Math.max(
    BODY_CHARACTERS,
    Math.floor(BODIES_CHARACTERS / Math.max(1, solutions.length)),
  );
  return present({
    topic: present({
      ...topicRow(deliberation, agent),
      problem: topic.problem,
      solutions: isPart ? deliberation.solutions.length : null,
      round: topic.round > 1 ? topic.round : null,
      revote: hasRevote(topic) ? revotePair(deliberation)?.note : null,
      method: methodNow(topic),
      electorate: topic.electorate,
      mediation: describeMediation(deliberation),
      veto: topic.veto,
      models: whole ? topic.models : null,
      quorum: topic.quorum,
      checks: describeAsked(topic),
      irreversible: topic.irreversible ? true : null,
      passed: topic.passed,
      opened_by: topic.openedBy,
      opened_at: iso(topic.createdAtMs),
      ended_at: topic.endedAtMs === null ? null : iso(topic.endedAtMs),
    }),
    solutions: solutions.map((solution) =>
      describeSolution(solution, {
        bodyCharacters: whole ? Infinity : share,
        mayPass: topic.state === "proposing",
      }),
    ),
    decision: describeDecision(topic),
    rounds: describeRounds(deliberation, whole),
    conflicts: describeConflicts(deliberation, merges),
    complexity: whole ? await topicComplexity(tx, topic) : null,
    next: nextStep(deliberation, agent),
  });
}

function describeAsked({ checks }: Topic): JsonObject | null {
  if (checks === null) return null;
  const { gates, files, schema, waitingSinceMs } = checks;
  const awaited = waitingSinceMs === null ? null : true;
  return present({ gates, files, schema, awaited });
}

function describeMediation({ topic, mediator: holder }: Deliberation): JsonObject | null {
  const { mediation } = topic;
  if (mediation === null) return null;
  const { why, best, taskId, mediator } = mediation;
  return present({ why, best, task: taskId, mediator, held_by: mediator === null ? holder : null });
}

/** On the ballot first; after closing by id, before in an order of each reader's own. */
async function inOrderFor(
  tx: ReadTx,
  { topic, solutions }: Pick<Deliberation, "topic" | "solutions">,
  reader: TopicReader,
): Promise<readonly Solution[]> {
  if (reader.kind === "person" || isUnsealed(topic)) return solutions;
  // The entry that opened the topic: nobody could foresee its hash, and everybody can look it up.
  const opening = await openingOf(tx, topic);
  const ids = solutions.map(({ id }) => id);
  const place = new Map(
    shuffledFor(reader.name, topic.id, ids, opening?.hash ?? "").map((id, index) => [id, index]),
  );
  return solutions.toSorted((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
}

/** What guvnor opens by itself is in the entry of what it follows from. */
async function openingOf(
  tx: ReadTx,
  { id, openedBy, createdAtMs }: Topic,
): Promise<AuditRow | undefined> {
  if (openedBy !== "guvnor") return (await tx.audit.search({ target: id, limit: 1 }))[0];
  const since = await tx.audit.search({ sinceMs: createdAtMs, limit: MOST_AT_ONCE });
  return since.find(({ body }) => body.includes(`"id":"${id}"`));
}

/** @param shown - `mayPass`: what is not measured yet may still get on a ballot. */
export function describeSolution(
  solution: Solution,
  shown: { readonly bodyCharacters: number; readonly mayPass: boolean },
): JsonObject {
  const { bodyCharacters, mayPass } = shown;
  return present({
    id: solution.id,
    author: solution.author,
    title: solution.title,
    body: cut(solution.body, bodyCharacters),
    // Told apart from an author's own "…".
    cut: solution.body.length > bodyCharacters ? true : null,
    commit: solution.commit,
    files: solution.files,
    evidence: solution.evidence,
    confidence: solution.confidence,
    checks: describeChecks(solution),
    off_ballot: mayPass && !isMeasured(solution) ? null : whyOff(solution),
    at: iso(solution.createdAtMs),
  });
}

/** What was asked of it, and what came of that. */
export function describeChecks({ checks }: Solution): readonly JsonObject[] {
  return checks.map(({ kind, name, state, why }) => present({ kind, name, state, why }));
}

/** How it ended, in short. */
export function describeDecision(topic: Topic): JsonObject | null {
  const { decision } = topic;
  if (decision === null) return null;
  return present({
    winner: decision.winner,
    by: decision.by,
    reason: decision.reason,
    confirmed: awaitsPerson(topic) ? false : null,
    n_eff: recordedIn(topic)?.rounds.at(-1)?.n_eff,
  });
}

/** The record, with the voters' reasons beside their ballots. Paths follow from the pairs. */
function describeRounds({ topic, ballots }: Deliberation, whole: boolean): readonly JsonObject[] {
  return (recordedIn(topic)?.rounds ?? []).map((counted) => {
    const cast = new Map(
      ballots
        .filter(({ round }) => round === counted.round)
        .map((ballot) => [ballot.voter, ballot]),
    );
    const withReasons = counted.ballots.map((ballot) => {
      const reason = cast.get(ballot.voter)?.reason ?? "";
      return { ...ballot, reason: cut(reason, whole ? Infinity : REASON_CHARACTERS) };
    });
    const { paths, ...rest } = counted;
    return present({ ...rest, ballots: withReasons, paths: whole ? paths : null });
  });
}
