import { expect, test } from "vitest";

import { PERSON_OPERATIONS } from "../../src/engine/person/index.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { Random } from "../sim/random.ts";
import { bodyOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const RUNS = 1000;
const AGENTS = ["ada", "ben", "eve", "gus"];
const SECOND = 1000;
/** What a run may take at most: its deadline, the vote, the re-vote, the mediator's minute and its vote. */
const LONGEST_MS = (60 + 20 + 20 + 60 + 20) * SECOND;
const STEP_MS = 5 * SECOND;
/** Calls and deaths before everybody falls silent. */
const STEPS = 24;

const SETTINGS = `version: 1
pipelines:
  default: { vote: 20s, stuck_after: 5s, deadline: 60s, stall_after: 20s }
`;

interface Ending {
  readonly state: string;
  readonly awaits: string | undefined;
  readonly asked: number;
  readonly openTasks: number;
  readonly openTokens: number;
}

/** One agent does what it is asked to, or something is amiss with it. */
async function act(
  fleet: Fleet,
  agent: string,
  { random, able }: { readonly random: Random; readonly able: number },
): Promise<void> {
  const { task } = await body(fleet, agent, "request_task");
  if (isTask(task)) {
    if (task.kind === "mediate") {
      const word = random.chance(0.5) ? { pass: true } : { title: "Both", body: "Of each a half." };
      await fleet.call(agent, "propose_solution", { topic_id: task.inputs?.topic, ...word });
    } else {
      const status = random.chance(able) ? "done" : random.pick(["working", "failed", "released"]);
      const outputs = { solution: `what ${agent} did` };
      const report = { task_id: task.id, status, outputs, retryable: random.chance(0.5) };
      await fleet.call(agent, "report_progress", report);
    }
  }
  const { topics } = await body(fleet, agent, "read_board");
  for (const topic of Array.isArray(topics) ? topics.filter(wantsVote) : []) {
    const { solutions } = await body(fleet, agent, "read_board", { topic_id: topic.id });
    const ids = (Array.isArray(solutions) ? solutions.filter(hasId) : []).map(({ id }) => id);
    const ballot = random.chance(0.5) ? ids : ids.toReversed();
    await fleet.call(agent, "vote", { topic_id: topic.id, ballot, reason: "r" });
  }
}

async function body(
  fleet: Fleet,
  agent: string,
  tool: string,
  args: object = {},
): Promise<Readonly<Record<string, unknown>>> {
  return (await fleet.call(agent, tool, args)).body;
}

function isTask(
  value: unknown,
): value is { id: string; kind: string; inputs?: { readonly topic?: string } } {
  return typeof value === "object" && value !== null && "kind" in value;
}

function hasId(value: unknown): value is { id: string } {
  return typeof value === "object" && value !== null && "id" in value;
}

function wantsVote(value: unknown): value is { id: string } {
  return hasId(value) && "wants" in value && value.wants === "vote";
}

/** Agents work, die at any moment and may come back; then nobody says anything any more. */
async function play(seed: number): Promise<Ending> {
  const random = new Random(seed);
  const fleet = await createFleet({
    operations: [...TOOLS, ...PERSON_OPERATIONS],
    guvnorYaml: SETTINGS,
    seed,
  });
  try {
    const living = new Set(AGENTS.slice(0, 2 + random.int(0, 2)));
    for (const name of living) await fleet.ok(name, "get_status");
    bodyOf(await fleet.asPerson("start_pipeline", { objective: "Make it fast." }));
    const able = random.pick([0.9, 0.7, 0.2]);
    const deadliness = random.pick([0.02, 0.1, 0.3]);
    for (let step = 0; step < STEPS; step += 1) {
      const name = random.pick(AGENTS);
      if (living.has(name) && random.chance(deadliness)) {
        fleet.kill(name);
        living.delete(name);
      } else if (living.has(name) || random.chance(0.2)) {
        living.add(name);
        await act(fleet, name, { random, able });
      }
      if (random.chance(0.3)) {
        await fleet.advance(random.int(0, STEP_MS));
        await fleet.tick();
      }
    }
    // One guvnor stays, with an agent that says nothing: where none is left, whoever looks next settles.
    const [last = "ada", ...others] = living;
    await fleet.call(last, "get_status");
    for (const name of others) if (random.chance(0.7)) fleet.kill(name);
    for (let passed = 0; passed <= LONGEST_MS; passed += 2 * STEP_MS) {
      await fleet.advance(2 * STEP_MS);
      await fleet.tick();
    }
    return await endingOf(fleet);
  } finally {
    await fleet.close();
  }
}

async function endingOf(fleet: Fleet): Promise<Ending> {
  const shown = bodyOf(await fleet.asPerson("pipelines_show", { pipeline_id: "L1" }));
  const { escalations } = bodyOf(await fleet.asPerson("escalations_list"));
  const open = await fleet.read(async (tx) => {
    const states = ["pending", "ready", "running", "blocked", "review"] as const;
    const tasks = await tx.tasks.list({ states, limit: 100 });
    const tokens = await tx.tokens.list({ withRevoked: false, limit: 100 });
    const pipeline = await tx.pipelines.get("L1");
    return {
      tasks: tasks.filter(({ spec }) => spec.serves !== undefined).length,
      tokens: tokens.filter(({ token }) => token.parent === pipeline?.tokenHash).length,
    };
  });
  return {
    state: String(shown["state"]),
    awaits: typeof shown["awaits"] === "string" ? shown["awaits"] : undefined,
    asked: Array.isArray(escalations) ? escalations.length : 0,
    openTasks: open.tasks,
    openTokens: open.tokens,
  };
}

test(`whoever dies whenever: ${RUNS} pipelines end decided, or before a person, within their deadlines`, async () => {
  const seen = new Map<string, number>();
  const wrong: string[] = [];
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const end = await play(seed);
    const isCompleted = end.state === "completed" && end.openTokens === 0;
    const isBeforePerson =
      end.asked > 0 &&
      (end.awaits === "fallback" || (end.state === "failed" && end.openTokens === 0));
    if (!(isCompleted || isBeforePerson) || end.openTasks > 0) {
      wrong.push(`seed ${seed}: ${JSON.stringify(end)}`);
    }
    const name = end.awaits ?? end.state;
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  expect(wrong).toEqual([]);
  // Each way to end is tried often enough to mean something.
  for (const name of ["completed", "fallback", "failed"]) {
    expect({ name, often: (seen.get(name) ?? 0) > RUNS / 50 }).toEqual({ name, often: true });
  }
}, 600_000);
