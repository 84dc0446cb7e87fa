import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { pipelineOperations } from "../../src/engine/person/pipeline-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, codeOf, createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [
  ...TOOLS,
  ...boardOperations,
  ...escalationOperations,
  ...pipelineOperations,
  ...stopOperations,
  ...taskOperations,
];

const SECOND = 1000;
const MINUTE = 60 * SECOND;

let fleet: Fleet;

async function begin(guvnorYaml?: string): Promise<void> {
  fleet = await createFleet({
    operations: OPERATIONS,
    ...(guvnorYaml === undefined ? {} : { guvnorYaml }),
  });
}

beforeEach(async () => {
  await begin();
});

afterEach(async () => {
  await fleet.close();
});

interface Shown {
  readonly state: string;
  readonly awaits?: string;
  readonly run: number;
  readonly topic?: string;
  readonly current: {
    readonly parts: readonly { role: string; task: string; state: string; agent?: string }[];
    readonly topic?: string;
    readonly failure?: string;
    readonly gamma_from_the_start?: string;
    readonly mediation?: Record<string, unknown>;
  };
  readonly outcome?: Record<string, unknown>;
}

async function shown(id = "L1"): Promise<Shown> {
  const answer = await fleet.asPerson("pipelines_show", { pipeline_id: id });
  return bodyOf(answer) as unknown as Shown;
}

/** By a person: an agent that starts it could mediate. */
async function start(): Promise<void> {
  bodyOf(await fleet.asPerson("start_pipeline", { objective: "Make it fast." }));
}

async function take(agent: string): Promise<string> {
  const { task } = (await fleet.ok(agent, "request_task")) as { task?: { id: string } };
  if (task === undefined) throw new Error(`${agent} got no task`);
  return task.id;
}

async function done(agent: string, task: string): Promise<unknown> {
  return await fleet.ok(agent, "report_progress", {
    task_id: task,
    status: "done",
    outputs: { solution: `what ${agent} did` },
  });
}

async function vote(agent: string, topic: string, ballot: readonly string[]): Promise<unknown> {
  return await fleet.ok(agent, "vote", { topic_id: topic, ballot, reason: "r" });
}

/** ADA has done ALPHA, BEN has done BETA: S1 and S2 are on the board. */
async function bothReport(): Promise<void> {
  await start();
  expect(await take("ada")).toBe("T1");
  expect(await take("ben")).toBe("T2");
  await done("ada", "T1");
  await done("ben", "T2");
}

/** Each for its own. */
async function disagree(): Promise<void> {
  await vote("ada", "B1", ["S1", "S2"]);
  await vote("ben", "B1", ["S2", "S1"]);
}

/** A minute, in which every process lives. */
async function live(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5 * SECOND) {
    await fleet.advance(Math.min(5 * SECOND, ms - passed));
    await fleet.tick();
  }
}

async function effects(type: string): Promise<readonly Record<string, unknown>[]> {
  const entries = await fleet.ledger();
  return entries.flatMap((entry) => entry.effects.filter((effect) => effect["type"] === type));
}

describe("from the objective to an agreement", () => {
  test("two agents work, both rank the same solution first, and it is completed", async () => {
    await bothReport();
    expect(await shown()).toMatchObject({ state: "orchestrating", topic: "B1" });
    await vote("ada", "B1", ["S2", "S1"]);
    await vote("ben", "B1", ["S2", "S1"]);
    expect(await shown()).toMatchObject({
      state: "completed",
      outcome: { solution: "S2", by: "vote", partial: false },
    });
    const states = (await effects("pipeline")).flatMap(({ to }) => to ?? []);
    expect(states).toEqual(["spawn", "running", "report", "orchestrating", "completed"]);
  });

  test("nobody gets both parts", async () => {
    await start();
    expect(await take("ada")).toBe("T1");
    await done("ada", "T1");
    expect(await fleet.ok("ada", "request_task")).not.toHaveProperty("task");
    expect(await fleet.refusal("ada", "request_task", { task_id: "T2" })).toBe("not_eligible");
  });

  test("nobody sees the other's work before both are done", async () => {
    await start();
    await take("ada");
    const report = { task_id: "T1", status: "working", note: "SECRET thoughts" };
    await fleet.ok("ada", "report_progress", report);
    await done("ada", "T1");
    await take("ben");
    for (const [scope, id] of [
      ["task", "T1"],
      ["pipeline", "L1"],
      ["plan", "P1"],
    ]) {
      const seen = JSON.stringify(await fleet.ok("ben", "get_status", { scope, id }));
      expect(seen).not.toMatch(/SECRET|what ada did/);
    }
    expect(JSON.stringify(await shown())).toContain("SECRET");
    await done("ben", "T2");
    const seen = JSON.stringify(await fleet.ok("ben", "read_board", { topic_id: "B1" }));
    expect(seen).toContain("what ada did");
  });

  test("its decision can be recomputed from the ledger alone", async () => {
    await bothReport();
    await vote("ada", "B1", ["S2"]);
    await vote("ben", "B1", ["S2"]);
    const answer = await fleet.asPerson("board_recompute", { topic_id: "B1" });
    expect(bodyOf(answer)).toMatchObject({ same: true, winner: "S2" });
  });

  test("whoever had one part gets no other one, whatever came of it", async () => {
    await start();
    await take("ada");
    const report = { task_id: "T1", status: "failed", retryable: false };
    await fleet.ok("ada", "report_progress", report);
    expect(await fleet.ok("ada", "request_task")).not.toHaveProperty("task");
  });

  test("a part without a solution is not done", async () => {
    await start();
    await take("ada");
    const report = { task_id: "T1", status: "done" };
    expect(await fleet.ok("ada", "report_progress", report)).toMatchObject({ accepted: false });
    const blank = { ...report, outputs: { solution: " " } };
    expect(await fleet.ok("ada", "report_progress", blank)).toMatchObject({ accepted: false });
  });

  test("whoever waits for start_pipeline hears how it ended", async () => {
    const waiting = fleet.call("lead", "start_pipeline", { objective: "x", wait_seconds: 50 });
    await fleet.advance(0);
    await take("ada");
    await take("ben");
    await done("ada", "T1");
    await done("ben", "T2");
    await vote("ada", "B1", ["S1"]);
    await vote("ben", "B1", ["S1"]);
    await fleet.advance(SECOND);
    expect(bodyOf(await waiting)).toMatchObject({ pipeline_id: "L1", state: "completed" });
  });
});

describe("where they do not agree", () => {
  test("GAMMA is asked once they are stuck for longer than 30 s, and the three decide", async () => {
    await fleet.ok("gus", "get_status");
    await bothReport();
    await disagree();
    await live(25 * SECOND);
    expect(await fleet.ok("gus", "request_task")).not.toHaveProperty("task");
    await live(10 * SECOND);
    expect(await take("gus")).toBe("T3");
    await fleet.ok("gus", "propose_solution", { topic_id: "B1", pass: true });
    await disagree();
    await vote("gus", "B1", ["S2", "S1"]);
    expect(await shown()).toMatchObject({ state: "completed", outcome: { solution: "S2" } });
  });

  test("without a mediator a person is asked, and the pipeline stays orchestrating", async () => {
    await bothReport();
    await disagree();
    await disagree();
    expect(await shown()).toMatchObject({ state: "orchestrating", awaits: "fallback" });
    const { escalations } = bodyOf(await fleet.asPerson("escalations_list"));
    expect(escalations).toHaveLength(1);
  });

  test("a person's decision of its topic completes it", async () => {
    await bothReport();
    await disagree();
    await disagree();
    bodyOf(
      await fleet.asPerson("board_decide", { topic_id: "B1", solution_id: "S1", reason: "r" }),
    );
    expect(await shown()).toMatchObject({
      state: "completed",
      outcome: { solution: "S1", by: "person", partial: false },
    });
    expect(bodyOf(await fleet.asPerson("escalations_list"))["escalations"]).toEqual([]);
  });

  test("rerun_same gives fresh agents what is known of the first run", async () => {
    await bothReport();
    await disagree();
    await disagree();
    await fleet.ok("eve", "get_status");
    await fleet.ok("fay", "get_status");
    const order = { pipeline_id: "L1", action: "rerun_same", reason: "Try again." };
    expect(bodyOf(await fleet.asPerson("pipelines_fallback", order))).toMatchObject({
      state: "running",
      run: 2,
    });
    expect(bodyOf(await fleet.asPerson("escalations_list"))["escalations"]).toEqual([]);
    expect(await fleet.ok("ada", "request_task")).not.toHaveProperty("task");
    expect(await fleet.ok("eve", "request_task")).toMatchObject({
      task: {
        id: "T3",
        inputs: {
          earlier_runs: [
            {
              run: 1,
              topic_state: "no_consensus",
              failure: expect.any(String),
              again: { action: "rerun_same", reason: "Try again." },
            },
          ],
        },
      },
    });
    expect(await take("fay")).toBe("T4");
    await done("eve", "T3");
    await done("fay", "T4");
    await vote("eve", "B2", ["S3"]);
    await vote("fay", "B2", ["S3"]);
    expect(await shown()).toMatchObject({ state: "completed", run: 2 });
  });

  test("rerun_gamma has GAMMA mediate from the start", async () => {
    await bothReport();
    await disagree();
    await disagree();
    await fleet.ok("gus", "get_status");
    const order = { pipeline_id: "L1", action: "rerun_gamma", reason: "Let another one look." };
    bodyOf(await fleet.asPerson("pipelines_fallback", order));
    await take("ada");
    await take("ben");
    await done("ada", "T3");
    await done("ben", "T4");
    expect(await take("gus")).toBe("T5");
  });

  test("escalate_tier lends those who do the next run a higher tier, and takes it back", async () => {
    await fleet.close();
    await begin("version: 1\ntiers: { start: T1 }\n");
    await bothReport();
    await disagree();
    await disagree();
    const tierOf = async (name: string): Promise<unknown> =>
      await fleet.read(async (tx) => (await tx.agents.get(name))?.tier);
    const order = { pipeline_id: "L1", action: "escalate_tier", reason: "They need more." };
    bodyOf(await fleet.asPerson("pipelines_fallback", order));
    expect(await take("ada")).toBe("T3");
    expect(await tierOf("ada")).toBe("T2");
    expect(await tierOf("ben")).toBe("T1");
    await fleet.ok("ada", "report_progress", { task_id: "T3", status: "released" });
    expect(await tierOf("ada")).toBe("T1");
  });

  test("no tier is higher than the highest", async () => {
    await bothReport();
    await disagree();
    await disagree();
    const order = { pipeline_id: "L1", action: "escalate_tier", reason: "They need more." };
    expect(codeOf(await fleet.asPerson("pipelines_fallback", order))).toBe("state_conflict");
  });

  test("accept_partial completes it by a person's word alone, and only there", async () => {
    await bothReport();
    const order = { pipeline_id: "L1", action: "accept_partial", reason: "Good enough." };
    expect(codeOf(await fleet.asPerson("pipelines_fallback", order))).toBe("state_conflict");
    await disagree();
    await disagree();
    expect(bodyOf(await fleet.asPerson("pipelines_fallback", order))).toMatchObject({
      state: "completed",
      outcome: {
        solution: "S1",
        by: "person",
        partial: true,
        reason: "Good enough. (S1 is the first of those that stood best by the votes cast.)",
      },
    });
  });

  test("accept_partial without a solution takes the one that stood best, and with one that one", async () => {
    const order = { pipeline_id: "L1", action: "accept_partial", reason: "Good enough." };
    for (const [named, solution, why] of [
      [{}, "S2", " (S2 is the first of those that stood best by the votes cast.)"],
      [{ solution_id: "S1" }, "S1", ""],
    ] as const) {
      await fleet.close();
      await begin();
      await bothReport();
      await fleet.ok("gus", "get_status");
      await disagree();
      await disagree();
      expect(await take("gus")).toBe("T3");
      expect((await shown()).current.mediation).toEqual({
        task: "T3",
        state: "running",
        agent: "gus",
      });
      await fleet.ok("gus", "propose_solution", {
        topic_id: "B1",
        title: "both",
        body: "In turns.",
      });
      // Each is put first once, and S2 stands before S1.
      await vote("ada", "B1", ["S1"]);
      await vote("ben", "B1", ["S2"]);
      await vote("gus", "B1", ["S3", "S2"]);
      expect(await shown()).toMatchObject({ state: "orchestrating", awaits: "fallback" });
      expect(
        bodyOf(await fleet.asPerson("pipelines_fallback", { ...order, ...named })),
      ).toMatchObject({
        state: "completed",
        outcome: { solution, by: "person", partial: true, reason: `Good enough.${why}` },
      });
    }
  });

  test("the template's own fallback runs it again without a person, so often as it says", async () => {
    await fleet.close();
    await begin("version: 1\npipelines: { default: { on_no_consensus: rerun_same, reruns: 1 } }\n");
    await bothReport();
    await disagree();
    await disagree();
    expect(await shown()).toMatchObject({ state: "running", run: 2 });
  });
});

describe("where somebody is missing", () => {
  test("a part that was left and not taken up in 30 s is GAMMA's", async () => {
    await start();
    await take("ada");
    await take("ben");
    await done("ada", "T1");
    fleet.kill("ben");
    await live(20 * SECOND);
    expect(await fleet.ok("ada", "request_task")).not.toHaveProperty("task");
    await live(40 * SECOND);
    const { current } = await shown();
    expect(current.parts.map(({ role, state }) => `${role}:${state}`)).toEqual([
      "alpha:done",
      "beta:ready",
      "gamma:ready",
    ]);
    bodyOf(await fleet.asPerson("tasks_cancel", { task_id: "T2", reason: "nobody is left" }));
    expect(await shown()).toMatchObject({ state: "orchestrating", awaits: "fallback" });
  });

  test("two that wait for one another are GAMMA's too, and one that waits alone is not", async () => {
    await start();
    await take("ada");
    await take("ben");
    const waitFor = async (agent: string, task: string, other: string): Promise<void> => {
      const blocker = { kind: "dependency", text: "I need yours.", blocked_by: other };
      await fleet.ok(agent, "report_progress", { task_id: task, status: "blocked", blocker });
    };
    await waitFor("ada", "T1", "T2");
    await live(40 * SECOND);
    expect((await shown()).current.parts).toHaveLength(2);
    await fleet.ok("ben", "get_status");
    await waitFor("ben", "T2", "T1");
    await live(25 * SECOND);
    expect((await shown()).current.parts).toHaveLength(2);
    await live(10 * SECOND);
    expect((await shown()).current.parts[2]).toMatchObject({ role: "gamma", state: "ready" });
  });

  test("whoever takes the part up again goes on with it", async () => {
    await start();
    await take("ada");
    await take("ben");
    fleet.kill("ben");
    await live(10 * SECOND);
    expect(await take("eve")).toBe("T2");
    for (let passed = 0; passed < 60; passed += 5) {
      for (const name of ["ada", "eve"]) await fleet.ok(name, "get_status");
      await live(5 * SECOND);
    }
    expect((await shown()).current.parts).toHaveLength(2);
  });

  test("silence costs an agent its part and nothing else", async () => {
    await start();
    await take("ada");
    await take("ben");
    for (let passed = 0; passed < 80; passed += 5) {
      await fleet.ok("ben", "get_status");
      await live(5 * SECOND);
    }
    const { current } = await shown();
    expect(current.parts[0]).toMatchObject({ role: "alpha", state: "ready" });
    expect(current.parts[1]).toMatchObject({ role: "beta", state: "running", agent: "ben" });
    expect(
      await fleet.refusal("ada", "report_progress", { task_id: "T1", status: "working" }),
    ).toBe("stale_lease");
    expect(await fleet.ok("ada", "get_status")).toMatchObject({ agent: "ada" });
  });

  test("at its deadline it goes on with what is there", async () => {
    await fleet.close();
    await begin("version: 1\npipelines: { default: { deadline: 10m } }\n");
    await start();
    await take("ada");
    await done("ada", "T1");
    await live(11 * MINUTE);
    expect(await shown()).toMatchObject({
      state: "orchestrating",
      awaits: "fallback",
      current: { parts: [{ state: "done" }, { role: "beta", state: "cancelled" }] },
    });
    expect(bodyOf(await fleet.asPerson("escalations_list"))["escalations"]).toHaveLength(1);
  });

  test("where nobody has anything it has failed, and a person is asked", async () => {
    await fleet.close();
    await begin("version: 1\npipelines: { default: { deadline: 1m } }\n");
    await start();
    await live(2 * MINUTE);
    expect(await shown()).toMatchObject({ state: "failed" });
    expect(bodyOf(await fleet.asPerson("escalations_list"))["escalations"]).toHaveLength(1);
  });

  test("an emergency stop gives its time back", async () => {
    await fleet.close();
    await begin("version: 1\npipelines: { default: { deadline: 1m } }\n");
    await start();
    bodyOf(await fleet.asPerson("stop", { reason: "look" }));
    await live(5 * MINUTE);
    expect(await shown()).toMatchObject({ state: "running" });
    bodyOf(await fleet.asPerson("resume", {}));
    await live(50 * SECOND);
    expect(await shown()).toMatchObject({ state: "running" });
    await live(15 * SECOND);
    expect(await shown()).toMatchObject({ state: "failed" });
  });
});

/** Those of the pipeline and of its parts. */
async function tokens(): Promise<
  readonly { agent: string | null; parent: string | null; isOver: boolean }[]
> {
  return await fleet.read(async (tx) => {
    const all = await tx.tokens.list({ withRevoked: true, limit: 100 });
    return all
      .filter(({ token }) => token.agent === null || token.parent !== null)
      .map(({ token }) => ({
        agent: token.agent,
        parent: token.parent === null ? null : "pipeline",
        isOver: token.revokedAtMs !== null,
      }));
  });
}

describe("its tokens", () => {
  test("are issued when it starts and when a part is taken, and are over when it is completed", async () => {
    await bothReport();
    await vote("ada", "B1", ["S1"]);
    expect(await tokens()).toContainEqual({ agent: null, parent: null, isOver: false });
    await vote("ben", "B1", ["S1"]);
    expect(await tokens()).toEqual(
      expect.arrayContaining([
        { agent: null, parent: null, isOver: true },
        { agent: "ada", parent: "pipeline", isOver: true },
        { agent: "ben", parent: "pipeline", isOver: true },
      ]),
    );
  });

  test("of the whole pipeline are over when a person revokes it: nobody can report any more", async () => {
    await start();
    await take("ada");
    await take("ben");
    bodyOf(await fleet.asPerson("pipelines_revoke", { pipeline_id: "L1", reason: "wrong aim" }));
    expect(await shown()).toMatchObject({ state: "revoked" });
    expect((await tokens()).every(({ isOver }) => isOver)).toBe(true);
    expect(
      await fleet.refusal("ada", "report_progress", { task_id: "T1", status: "done" }),
    ).toMatch(/stale_lease|task_cancelled|token_invalid/);
  });

  test("of one agent end alone", async () => {
    await start();
    await take("ada");
    await take("ben");
    await fleet.ok("ada", "report_progress", { task_id: "T1", status: "released" });
    const over = (await tokens()).filter(({ isOver }) => isOver);
    expect(over).toEqual([{ agent: "ada", parent: "pipeline", isOver: true }]);
    expect(
      await fleet.ok("ben", "report_progress", { task_id: "T2", status: "working" }),
    ).toMatchObject({ accepted: true });
  });
});

describe("bad input", () => {
  test("an unknown template, a cycle in the plan and an unknown id are refused with what to do", async () => {
    const unknown = { objective: "x", template: "nope" };
    expect(await fleet.refusal("lead", "start_pipeline", unknown)).toBe("input_invalid");
    const plan = [
      { key: "a", title: "A", after: ["b"] },
      { key: "b", title: "B", after: ["a"] },
    ];
    expect(await fleet.refusal("lead", "start_pipeline", { objective: "x", plan })).toBe(
      "dependency_cycle",
    );
    expect(codeOf(await fleet.asPerson("pipelines_show", { pipeline_id: "L9" }))).toBe(
      "pipeline_not_found",
    );
  });
});
