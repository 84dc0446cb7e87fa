import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { GuvnorError } from "../../../src/core/errors.ts";
import type { JsonObject } from "../../../src/engine/call.ts";
import type { Operation } from "../../../src/engine/operation.ts";
import type { Fleet } from "../../support/engine-harness.ts";
import {
  asPerson,
  claimed,
  expectSoundLedger,
  planTasks,
  report,
  rulesFleet,
  RULES_OPERATIONS,
  taskNamed,
} from "../../support/rules-fleet.ts";

const BREAKERS = `
breakers:
  tool: { min_calls: 10, error_ratio: 0.5, window: 1m, open_for: 10s, max_open: 5m, probes: 2 }
  agent: { min_calls: 5, error_ratio: 0.8, window: 10m, open_for: 1m, max_open: 30m, probes: 1 }
limits: [{ id: errors, of: agent, metric: errors, max: 1000, per: 1m }]
tiers: { demote: null }
`;

let fleet: Fleet;
/** What the tool under test does. */
let behaviour: "well" | "broken" | "outside" | "refuses" = "well";

const board = RULES_OPERATIONS.find(({ name }) => name === "read_board") as Operation;
const flaky: Operation = {
  ...board,
  prepare: async () => {
    if (behaviour === "outside") throw new GuvnorError("git_unavailable", "git broke.", "Wait.");
    return await Promise.resolve({});
  },
  handle: async (ctx, input) => {
    if (behaviour === "broken") throw new Error("broken");
    if (behaviour === "refuses") throw new GuvnorError("topic_not_found", "No.", "Do not.");
    return await board.handle(ctx, input);
  },
};

async function start(yaml: string): Promise<void> {
  const operations = RULES_OPERATIONS.map((each) => (each === board ? flaky : each));
  fleet = await rulesFleet(yaml, { operations });
  for (const name of ["ada", "bob", "cy", "lead"]) {
    Object.assign(fleet.deps(name).log, { error: () => undefined });
  }
}

beforeEach(async () => {
  behaviour = "well";
  await start(BREAKERS);
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

async function read(agent: string, times = 1): Promise<string[]> {
  const codes = [];
  for (let time = 0; time < times; time += 1) {
    const { isError, body } = await fleet.call(agent, "read_board");
    codes.push(isError ? String(body["code"]) : "ok");
  }
  return codes;
}

async function phase(subject: string): Promise<string> {
  const found = await fleet.read(async (tx) => await tx.guards.list("breaker"));
  return found.find((guard) => guard.subject === subject)?.state.phase ?? "none";
}

/** Several agents find that the tool is broken. */
async function breakTool(how: "broken" | "outside" = "broken"): Promise<void> {
  behaviour = how;
  for (const agent of ["ada", "bob", "cy"]) await read(agent, 4);
}

describe("the breaker of a tool", () => {
  test.each(["broken", "outside"] as const)(
    "opens when it is %s for several agents, and tells all when to try again",
    async (how) => {
      await breakTool(how);
      expect(await phase("tool:read_board")).toBe("open");
      behaviour = "well";
      const { body } = await fleet.call("lead", "read_board");
      expect(body).toMatchObject({
        code: "breaker_open",
        message:
          "The breaker of tool read_board is open: too many of its calls failed (50 % within 60 s open it).",
      });
      const { retry_after_seconds: seconds } = body["details"] as { retry_after_seconds: number };
      expect(seconds).toBeGreaterThan(7);
      expect(seconds).toBeLessThanOrEqual(10);
      expect((await fleet.ledger()).at(-1)).toMatchObject({
        decision: "deny",
        rule: "breaker:tool:read_board",
        reason: "breaker_open",
      });
      await fleet.ok("lead", "get_status");
    },
  );

  test("does not open for refusals, for few calls, or for a small share of failures", async () => {
    behaviour = "refuses";
    for (const agent of ["ada", "bob", "cy"]) await read(agent, 20);
    behaviour = "broken";
    for (const agent of ["ada", "bob", "cy"]) await read(agent, 3);
    expect(await phase("tool:read_board")).toBe("closed");
    await fleet.advance(120_000);
    behaviour = "well";
    await read("lead", 30);
    behaviour = "broken";
    for (const agent of ["ada", "bob", "cy"]) await read(agent, 4);
    behaviour = "well";
    await read("lead", 30);
    expect(await phase("tool:read_board")).toBe("closed");
  });

  test("is not opened for all by one agent that fails whatever it calls", async () => {
    behaviour = "broken";
    expect(new Set(await read("ada", 60))).toEqual(new Set(["internal"]));
    behaviour = "well";
    expect(await read("bob")).toEqual(["ok"]);
  });

  test("lets two probes through, closes when both went well, and waits longer when one did not", async () => {
    await breakTool();
    await fleet.advance(10_000);
    expect(await read("ada")).toEqual(["internal"]);
    expect(await phase("tool:read_board")).toBe("open");
    await fleet.advance(10_000);
    expect(await read("ada")).toEqual(["breaker_open"]);
    await fleet.advance(10_000);
    behaviour = "well";
    expect(await read("bob")).toEqual(["ok"]);
    expect(await phase("tool:read_board")).toBe("half_open");
    expect(await read("cy", 2)).toEqual(["ok", "ok"]);
    expect(await phase("tool:read_board")).toBe("closed");
    const moves = (await fleet.ledger())
      .flatMap(({ effects }) => effects)
      .filter(({ type }) => type === "breaker");
    expect(moves.map(({ from, to }) => `${String(from)}>${String(to)}`)).toEqual([
      "closed>open",
      "open>half_open",
      "half_open>open",
      "open>half_open",
      "half_open>closed",
    ]);
  });

  test("is not kept closed to others by one whose probes are refused", async () => {
    await fleet.close();
    await start(
      `${BREAKERS}policy: { rules: [{ id: r, on: [read_board], when: agent.name == "ada", effect: deny, reason: no }] }\n`,
    );
    behaviour = "broken";
    for (const agent of ["bob", "cy", "lead"]) await read(agent, 4);
    await fleet.advance(10_000);
    behaviour = "well";
    expect(await read("ada", 5)).toEqual(Array.from({ length: 5 }, () => "policy_denied"));
    behaviour = "refuses";
    expect(await read("cy", 3)).toEqual(["topic_not_found", "topic_not_found", "topic_not_found"]);
    behaviour = "well";
    expect(await read("bob", 2)).toEqual(["ok", "ok"]);
    expect(await phase("tool:read_board")).toBe("closed");
  });

  test("survives the end of all processes", async () => {
    await breakTool();
    for (const name of ["ada", "bob", "cy", "cli"]) fleet.kill(name);
    behaviour = "well";
    expect(await read("lead")).toEqual(["breaker_open"]);
  });
});

test("the breaker of a tool is told to every agent", async () => {
  await breakTool();
  expect(await fleet.ok("lead", "get_status")).toMatchObject({
    breakers: [{ subject: "tool:read_board", state: "open" }],
    next: 'Call request_task {"wait_seconds":25}.',
  });
});

describe("the breaker of an agent", () => {
  beforeEach(async () => {
    await planTasks(fleet, 20);
    await claimed(fleet, "ada", { task_id: "T20" });
    for (let task = 0; task < 5; task += 1) {
      const id = `T${task + 1}`;
      await claimed(fleet, "ada", { task_id: id });
      await report(fleet, "ada", id, "failed");
    }
  });

  test("opens when its work fails: no new task, but reports go on, and others work", async () => {
    expect(await phase("agent:ada")).toBe("open");
    expect(await fleet.refusal("ada", "request_task", { task_id: "T9" })).toBe("breaker_open");
    expect(await report(fleet, "ada", "T20", "working")).toMatchObject({ accepted: true });
    // Its own running task is no new one: it is briefed on it again, after a restart say.
    expect(await claimed(fleet, "ada")).toBe("T20");
    await fleet.ok("ada", "get_status");
    expect(await claimed(fleet, "bob", { task_id: "T9" })).toBe("T9");
  });

  test("is told to it, with its end and its reason, and it is sent for no work until then", async () => {
    // It goes on with what it has.
    expect(await fleet.ok("ada", "get_status")).toMatchObject({
      breakers: [{ subject: "agent:ada", state: "open" }],
      next: "Go on with your task; request_task gives its brief again.",
    });
    await report(fleet, "ada", "T20", "released");
    const { breakers, next } = await fleet.ok("ada", "get_status");
    const [row] = breakers as JsonObject[];
    const until = String(row?.["until"]);
    const why = "too much of its work failed (80 % within 600 s opens it)";
    expect(breakers).toEqual([{ subject: "agent:ada", state: "open", until, why }]);
    expect(next).toContain(`There is no new work for you until ${until}, as ${why}: wait `);
    expect(next).not.toContain("Call request_task");
    expect((await fleet.call("ada", "request_task")).body["message"]).toBe(
      `The breaker of agent ada is open: ${why}.`,
    );
    // Of others it is no business.
    expect(await fleet.ok("bob", "get_status")).not.toHaveProperty("breakers");
    await fleet.advance(60_000);
    expect(await fleet.ok("ada", "get_status")).toMatchObject({
      breakers: [{ subject: "agent:ada", state: "half_open", why }],
      next: 'Call request_task {"wait_seconds":25}.',
    });
    await claimed(fleet, "ada", { task_id: "T9" });
    const second = (await fleet.call("ada", "request_task", { task_id: "T10" })).body;
    expect(second).toMatchObject({ code: "breaker_open" });
    expect(second["message"]).toContain("is half open, and another try is under way");
    expect(second["fix"]).toContain("Finish the task");
    await report(fleet, "ada", "T9", "done");
    expect(await fleet.ok("ada", "get_status")).not.toHaveProperty("breakers");
  });

  test("is closed by a person before its time, once, and counts anew", async () => {
    const subject = "agent:ada";
    expect(await asPerson(fleet, "breakers_list")).toMatchObject({
      breakers: [{ subject, state: "open" }],
    });
    expect(await fleet.refusal("ada", "breakers_close", { subject })).toBe("person_required");
    expect(await asPerson(fleet, "breakers_close", { subject })).toEqual({
      subject,
      state: "closed",
    });
    expect((await fleet.ledger()).at(-1)).toMatchObject({
      action: "breakers_close",
      effects: [{ type: "breaker", id: subject, from: "open", to: "closed" }],
    });
    expect(await asPerson(fleet, "breakers_list")).toEqual({ breakers: [] });
    for (const wrong of [subject, "tool:vote", "x"]) {
      const { body } = await fleet.asPerson("breakers_close", { subject: wrong });
      expect(body).toMatchObject({ code: "state_conflict" });
    }
    expect(await claimed(fleet, "ada", { task_id: "T9" })).toBe("T9");
    await report(fleet, "ada", "T9", "failed");
    expect(await phase(subject)).toBe("closed");
  });

  test("gives it one task to try with; when that is done it is closed", async () => {
    await report(fleet, "ada", "T20", "released");
    await fleet.advance(60_000);
    expect(await claimed(fleet, "ada", { task_id: "T9" })).toBe("T9");
    expect(await fleet.refusal("ada", "request_task", { task_id: "T10" })).toBe("breaker_open");
    await report(fleet, "ada", "T9", "done");
    expect(await phase("agent:ada")).toBe("closed");
    expect(await claimed(fleet, "ada", { task_id: "T10" })).toBe("T10");
  });

  test("opens again, for longer, when the task that it tried with fails", async () => {
    await report(fleet, "ada", "T20", "released");
    await fleet.advance(60_000);
    await claimed(fleet, "ada", { task_id: "T9" });
    await report(fleet, "ada", "T9", "failed");
    await fleet.advance(61_000);
    expect(await fleet.refusal("ada", "request_task")).toBe("breaker_open");
    await fleet.advance(60_000);
    expect(await claimed(fleet, "ada", { task_id: "T10" })).toBe("T10");
  });

  test("does not use up the try on a call that got no task, waited, or whose task came to nothing", async () => {
    await report(fleet, "ada", "T20", "released");
    await fleet.advance(120_000);
    expect(await fleet.refusal("ada", "request_task", { task_id: "T99" })).toBe("task_not_found");
    expect(await claimed(fleet, "ada", { task_id: "T9" })).toBe("T9");
    await report(fleet, "ada", "T9", "released");
    await asPerson(fleet, "tasks_cancel", { task_id: "T10", reason: "for the test" });
    for (let task = 1; task <= 20; task += 1) {
      const { state } = await taskNamed(fleet, `T${task}`);
      if (state === "ready") {
        await asPerson(fleet, "tasks_cancel", { task_id: `T${task}`, reason: "gone" });
      }
    }
    const waiting = fleet.call("ada", "request_task", { wait_seconds: 20 });
    await fleet.advance(20_000);
    expect((await waiting).body).toMatchObject({ reason: "plan_finished" });
    await planTasks(fleet, 1);
    expect(await claimed(fleet, "ada")).toBe("T21");
  });
});
