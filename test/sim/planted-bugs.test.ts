import { afterEach, describe, expect, test, vi } from "vitest";

import type * as TaskDecisions from "../../src/core/task-decisions.ts";
import type * as Tasks from "../../src/core/task.ts";
import type { Task } from "../../src/core/task.ts";
import type * as ClimbEscalations from "../../src/engine/climb-escalations.ts";
import type * as Govern from "../../src/engine/rules/govern.ts";
import type { StoreTx } from "../../src/store/store.ts";
import type * as RunSchedule from "./run-schedule.ts";

/** A bug of these kinds must show in so many schedules. */
const SEEDS = 200;
const LIMIT_MS = 300_000;
const SEEN = 1000;

type Run = typeof RunSchedule.runSchedule;
type Options = Parameters<Run>[1];

/** The first seed whose schedule breaks this invariant; undefined where none does. */
/** Where bugs were found. */
const foundAt = new Set<number>();

async function findViolation(
  run: Run,
  name: string,
  options: () => Options = () => ({}),
): Promise<number | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violations } = await run(seed, options());
    if (!violations.some((violation) => violation.name === name)) continue;
    foundAt.add(seed);
    return seed;
  }
  return undefined;
}

async function importRun(): Promise<Run> {
  const module = await import("./run-schedule.ts");
  return module.runSchedule;
}

async function plantInDecisions(broken: Partial<typeof TaskDecisions>): Promise<Run> {
  vi.resetModules();
  vi.doMock("../../src/core/task-decisions.ts", async (original) => ({
    ...(await original<typeof TaskDecisions>()),
    ...broken,
  }));
  return await importRun();
}

/** Replaces what a module exports, for those who import it. */
async function plantIn(module: string, broken: object): Promise<Run> {
  vi.resetModules();
  vi.doMock(module, async (original) => Object.assign({}, await original<object>(), broken));
  return await importRun();
}

/** A waiting call looks at the stop when it comes, and no more in the transaction that grants. */
async function plantInGovern(): Promise<Run> {
  vi.resetModules();
  vi.doMock("../../src/engine/rules/govern.ts", async (original) => {
    const govern = await original<typeof Govern>();
    const governAnyCall: typeof Govern.governAnyCall = async (ctx, governed) =>
      governed.isFirst ? await govern.governAnyCall(ctx, governed) : govern.FREE;
    return { ...govern, governAnyCall };
  });
  return await importRun();
}

/** A question is offered to everybody, its requester too. */
async function plantInTakers(): Promise<Run> {
  vi.resetModules();
  vi.doMock("../../src/core/task.ts", async (original) => ({
    ...(await original<typeof Tasks>()),
    isFor: () => true,
  }));
  return await importRun();
}

/** What was asked goes on being asked, answered or not. */
async function plantInQuestions(): Promise<Run> {
  vi.resetModules();
  vi.doMock("../../src/engine/climb-escalations.ts", async (original) => ({
    ...(await original<typeof ClimbEscalations>()),
    cancelQuestions: async () => {},
  }));
  return await importRun();
}

/** Candidates as they were a transaction ago: chosen outside the transaction that claims. */
function withStaleCandidates(): (tx: StoreTx) => StoreTx {
  const seen = new Map<string, Task[]>();
  return (tx) => ({
    ...tx,
    tasks: {
      ...tx.tasks,
      bestReady: async (needs, nowMs, limit) => {
        const key = needs.join();
        const before = seen.get(key);
        seen.set(key, await tx.tasks.bestReady(needs, nowMs, limit));
        return before ?? seen.get(key) ?? [];
      },
    },
  });
}

/** What the agents of an ended process held is not found. */
function forgetful(tx: StoreTx): StoreTx {
  return {
    ...tx,
    tasks: {
      ...tx.tasks,
      heldBy: async (agent) => {
        const isOffline = (await tx.agents.get(agent))?.state === "offline";
        return isOffline ? [] : await tx.tasks.heldBy(agent);
      },
    },
  };
}

/** Whatever lies before a message is taken for seen with it, also what came in an answer that was lost. */
function credulous(tx: StoreTx): StoreTx {
  return {
    ...tx,
    messages: {
      ...tx.messages,
      seen: async (to, upToId) =>
        (await tx.messages.waitingPosts(to, {}, SEEN))
          .filter(({ id }) => Number(id.slice(1)) <= Number(upToId.slice(1)))
          .map(({ id }) => id),
    },
  };
}

const FORGETFUL: Options = { wrapTx: forgetful };

describe("a planted bug is found", () => {
  afterEach(() => {
    vi.doUnmock("../../src/core/task-decisions.ts");
    vi.doUnmock("../../src/core/task.ts");
    vi.doUnmock("../../src/engine/climb-escalations.ts");
    vi.doUnmock("../../src/engine/rules/govern.ts");
    vi.doUnmock("../../src/core/consensus/vetoes.ts");
    vi.doUnmock("../../src/core/topic-decisions.ts");
    vi.resetModules();
  });

  test("no fence check: a late write is accepted", { timeout: LIMIT_MS }, async () => {
    const { requireLease } = await vi.importActual<typeof TaskDecisions>(
      "../../src/core/task-decisions.ts",
    );
    const run = await plantInDecisions({
      requireLease: (task, agent, _fence, heldBefore) =>
        requireLease(task, agent, undefined, heldBefore),
    });
    expect(await findViolation(run, "stale_write")).toBeDefined();
  });

  test("double claim: a task goes to two agents", { timeout: LIMIT_MS }, async () => {
    const run = await importRun();
    const violated = await findViolation(run, "double_claim", () => ({
      wrapTx: withStaleCandidates(),
    }));
    expect(violated).toBeDefined();
  });

  test("lost requeue: a dead agent keeps its task", { timeout: LIMIT_MS }, async () => {
    const run = await importRun();
    const violated = await findViolation(run, "held_by_ended", () => FORGETFUL);
    expect(violated).toBeDefined();
  });

  test("what was not seen is acknowledged", { timeout: LIMIT_MS }, async () => {
    const run = await importRun();
    const violated = await findViolation(run, "message_lost", () => ({ wrapTx: credulous }));
    expect(violated).toBeDefined();
  });

  test("a stop that is not looked at where a task is granted", { timeout: LIMIT_MS }, async () => {
    const run = await plantInGovern();
    expect(await findViolation(run, "granted_while_stopped")).toBeDefined();
  });

  test("a veto that is not looked at", { timeout: LIMIT_MS }, async () => {
    const run = await plantIn("../../src/core/consensus/vetoes.ts", { vetoedBy: () => [] });
    expect(await findViolation(run, "vetoed_won")).toBeDefined();
  });

  test("solutions of others that are shown too early", { timeout: LIMIT_MS }, async () => {
    const broken = { isHidden: () => false };
    const run = await plantIn("../../src/core/topic-decisions.ts", broken);
    expect(await findViolation(run, "solution_unsealed")).toBeDefined();
  });

  test("a question that its requester may take", { timeout: LIMIT_MS }, async () => {
    const run = await plantInTakers();
    expect(await findViolation(run, "question_to_requester")).toBeDefined();
  });

  test("a question that stays open when it is answered", { timeout: LIMIT_MS }, async () => {
    const run = await plantInQuestions();
    expect(await findViolation(run, "question_left_open")).toBeDefined();
  });

  test("and without one the same seeds pass", { timeout: LIMIT_MS }, async () => {
    const run = await importRun();
    expect(foundAt.size).toBeGreaterThan(0);
    for (const seed of foundAt) {
      const { violations } = await run(seed);
      expect(violations, `seed ${seed}`).toEqual([]);
    }
  });
});
