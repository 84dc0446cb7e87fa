import { afterEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../../src/engine/call.ts";
import type { Operation } from "../../../src/engine/operation.ts";
import { codeOf, type Fleet } from "../../support/engine-harness.ts";
import {
  agentNamed,
  asPerson,
  claimed,
  expectSoundLedger,
  planTasks,
  report,
  rulesFleet,
  RULES_OPERATIONS,
  taskNamed,
} from "../../support/rules-fleet.ts";

const HUNDRED =
  "{ id: calls, of: agent, metric: calls, max: 100, per: 1m, then: throttle, repeat: { times: 3, within: 10m, then: revoke } }";

let fleet: Fleet;

async function start(yaml: string, options: object = {}): Promise<void> {
  fleet = await rulesFleet(yaml, options);
}

afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

async function calls(agent: string, count: number): Promise<string[]> {
  const codes: string[] = [];
  for (let call = 0; call < count; call += 1) {
    const { body, isError } = await fleet.call(agent, "get_status");
    codes.push(isError ? String(body["code"]) : "ok");
  }
  return codes;
}

function howMany(codes: readonly string[], code: string): number {
  return codes.filter((each) => each === code).length;
}

async function effects(event: string): Promise<JsonObject[]> {
  return (await fleet.ledger())
    .flatMap((entry) => entry.effects)
    .filter((effect) => effect["event"] === event);
}

async function violations(): Promise<string[]> {
  const found = await fleet.read(async (tx) => await tx.violations.list(undefined, 100));
  return found.map(({ agent, limit, action }) => `${agent} ${limit} ${action}`);
}

describe("calls in a minute", () => {
  test("a hundred pass, the next one is told how long to wait, and then comes in", async () => {
    await start(`limits: [${HUNDRED}]\n`);
    expect(howMany(await calls("ada", 100), "ok")).toBe(100);
    const { body } = await fleet.call("ada", "get_status");
    expect(body).toMatchObject({ code: "limited", details: { limit: "calls" } });
    const seconds = (body["details"] as { retry_after_seconds: number }).retry_after_seconds;
    expect(seconds).toBeGreaterThan(50);
    await fleet.advance(seconds * 1000 - 1000);
    expect(await calls("ada", 1)).toEqual(["limited"]);
    await fleet.advance(1000);
    expect(await calls("ada", 1)).toEqual(["ok"]);
    expect(await calls("bob", 1)).toEqual(["ok"]);
  });

  test("whoever asks for work is told limit, which is no error", async () => {
    await start("limits: [{ id: calls, of: agent, metric: calls, max: 1, per: 1m }]\n");
    await calls("ada", 1);
    const answer = await fleet.ok("ada", "request_task");
    expect(answer).toMatchObject({ reason: "limit" });
    expect(answer["retry_after_seconds"]).toBeGreaterThan(0);
  });

  test("malformed, refused, unknown and repeated calls count like any other", async () => {
    await start("limits: [{ id: calls, of: agent, metric: calls, max: 5, per: 1m }]\n");
    const first = { kind: "question", summary: "why?", request_id: "r1" };
    await fleet.ok("ada", "request_escalation", first);
    await fleet.ok("ada", "request_escalation", first);
    expect(await fleet.refusal("ada", "vote", { nonsense: true })).toBe("input_invalid");
    expect(await fleet.refusal("ada", "no_such_tool")).toBe("tool_unknown");
    expect(await fleet.refusal("ada", "report_progress", { task_id: "T9", status: "done" })).toBe(
      "task_not_found",
    );
    expect(await fleet.refusal("ada", "get_status")).toBe("limited");
    expect(await fleet.refusal("ada", "no_such_tool")).toBe("limited");
  });

  test("registering counts for the connection, as nobody is known yet", async () => {
    await start("limits: [{ id: calls, of: agent, metric: calls, max: 3, per: 1m }]\n");
    const codes = [];
    for (const name of ["a", "b", "c", "d"]) {
      codes.push((await fleet.call("ada", "register_agent", { name })).body["code"] ?? "ok");
    }
    expect(codes).toEqual(["ok", "ok", "ok", "limited"]);
  });

  test("of the project is one count for all processes and agents", async () => {
    await start("limits: [{ id: all, of: project, metric: calls, max: 10, per: 1m }]\n");
    const codes: string[] = [];
    for (const agent of ["ada", "bob", "cy", "dan"]) codes.push(...(await calls(agent, 3)));
    expect(howMany(codes, "ok")).toBe(10);
    expect(howMany(codes, "limited")).toBe(2);
  });

  test("at once from many processes, no more than the maximum get through", async () => {
    await start("limits: [{ id: all, of: project, metric: calls, max: 10, per: 1m }]\n");
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => await fleet.call(`a${index}`, "get_status")),
    );
    expect(answers.filter(({ isError }) => !isError)).toHaveLength(10);
  });

  test("of one tool count that tool only, of a tier its agents together", async () => {
    await start(
      `limits:
  - { id: boards, of: agent, metric: calls, max: 1, per: 1m, on: [read_board] }
  - { id: juniors, of: tier, tier: T1, metric: calls, max: 3, per: 1m }
`,
    );
    await fleet.ok("ada", "read_board");
    expect(await fleet.refusal("ada", "read_board")).toBe("limited");
    expect(await calls("ada", 5)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
    await calls("bob", 1);
    for (const agent of ["ada", "bob"]) await asPerson(fleet, "agents_tier", { agent, tier: "T1" });
    expect([...(await calls("ada", 2)), ...(await calls("bob", 2))]).toEqual([
      "ok",
      "ok",
      "ok",
      "limited",
    ]);
  });

  test("a call that waits is counted once", async () => {
    await start("limits: [{ id: calls, of: agent, metric: calls, max: 2, per: 1m }]\n");
    const waiting = fleet.call("ada", "request_task", { wait_seconds: 30 });
    await fleet.advance(30_000);
    expect((await waiting).body).toMatchObject({ reason: "nothing_ready" });
    expect(await calls("ada", 2)).toEqual(["ok", "limited"]);
  });
});

describe("a flood of refusals", () => {
  test("makes few entries, and none is uncounted", async () => {
    await start("limits: [{ id: calls, of: agent, metric: calls, max: 10, per: 1m }]\n");
    const before = (await fleet.ledger()).length;
    expect(howMany(await calls("ada", 500), "limited")).toBe(490);
    expect((await fleet.ledger()).length - before).toBe(11);
    await fleet.advance(61_000);
    await fleet.tick();
    const [flood, ...more] = await effects("flood");
    expect(more).toEqual([]);
    expect(flood).toMatchObject({ id: "calls", subject: "agent:ada", refused: 489 });
    await fleet.advance(61_000);
    await fleet.tick();
    expect(await effects("flood")).toHaveLength(1);
  });

  test("is counted once where several limits refuse it, and told when it goes on", async () => {
    await start(
      `limits:
  - { id: soft, of: agent, metric: calls, max: 10, per: 1m, then: throttle }
  - { id: hard, of: project, metric: calls, max: 10, per: 1m, then: deny }
`,
    );
    let limited = 0;
    for (let second = 0; second < 180; second += 1) {
      limited += howMany(await calls("ada", 2), "limited");
      await fleet.advance(1000);
    }
    await fleet.advance(120_000);
    await fleet.tick();
    const single = (await fleet.ledger()).filter(({ decision }) => decision === "deny").length;
    const counted = (await effects("flood")).reduce(
      (sum, each) => sum + Number(each["refused"]),
      0,
    );
    expect(single + counted).toBe(limited);
    expect(single).toBeLessThan(10);
  });

  test("one violation is recorded for each time of refusals, not for each refusal", async () => {
    await start("limits: [{ id: calls, of: agent, metric: calls, max: 10, per: 1m }]\n");
    await calls("ada", 100);
    expect(await violations()).toEqual(["ada calls denied"]);
  });

  test("again and again within the time it costs the token", async () => {
    await start(`limits: [${HUNDRED}]\n`);
    const codes = new Set<string>();
    for (let minute = 0; minute < 4; minute += 1) {
      for (const code of await calls("ada", 150)) codes.add(code);
      await fleet.advance(61_000);
    }
    expect(codes).toEqual(new Set(["ok", "limited", "agent_revoked"]));
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
  });

  test("in separate times far apart it does not", async () => {
    await start(`limits: [${HUNDRED}]\n`);
    for (let time = 0; time < 4; time += 1) {
      await calls("ada", 150);
      await fleet.advance(11 * 60_000);
    }
    expect(await calls("ada", 1)).toEqual(["ok"]);
  });
});

describe("errors", () => {
  const broken: Operation = {
    ...(RULES_OPERATIONS.find(({ name }) => name === "vote") as Operation),
    prepare: async () => await Promise.resolve({}),
    handle: () => {
      throw new Error("broken");
    },
  };
  const operations = [...RULES_OPERATIONS.filter(({ name }) => name !== "vote"), broken];
  const vote = { topic_id: "B1", ballot: [], reason: "because" };
  const quiet = { error: () => undefined, warn: () => undefined, info: () => undefined };

  async function fail(agent: string, times: number): Promise<unknown[]> {
    Object.assign(fleet.deps(agent).log, quiet);
    const codes = [];
    for (let time = 0; time < times; time += 1) {
      codes.push(codeOf(await fleet.call(agent, "vote", vote)));
    }
    return codes;
  }

  test("more than five in a minute in strict cost the token, and make one task to find out why", async () => {
    await start("profile: strict\nbreakers: { tool: null }\n", { operations });
    for (const agent of ["ada", "bob"]) {
      await calls(agent, 1);
      await asPerson(fleet, "agents_tier", { agent, tier: "T2" });
    }
    expect(await fail("ada", 5)).toEqual(Array.from({ length: 5 }, () => "internal"));
    expect(await agentNamed(fleet, "ada")).not.toMatchObject({ state: "revoked" });
    await fail("ada", 1);
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
    expect(new Set(await fail("ada", 5))).toEqual(new Set(["agent_revoked"]));
    const tasks = await fleet.read(async (tx) => await tx.tasks.list({ limit: 10 }));
    expect(tasks.map(({ spec }) => spec.kind)).toEqual(["diagnose"]);
    expect(tasks[0]?.createdBy).toBe("guvnor");
    expect(tasks[0]?.spec.body).toMatch(/last entries in the ledger: #\d+/);
    expect(await claimed(fleet, "bob")).toBe("T1");
  });

  test("are spread over time or over agents without harm, and refusals are none", async () => {
    await start("profile: strict\nbreakers: { tool: null }\n", { operations });
    for (const agent of ["ada", "bob"]) {
      await calls(agent, 1);
      await asPerson(fleet, "agents_tier", { agent, tier: "T2" });
    }
    expect(new Set(await fail("ada", 5))).toEqual(new Set(["internal"]));
    await fail("bob", 5);
    for (let call = 0; call < 20; call += 1) {
      await fleet.refusal("ada", "report_progress", { task_id: "T99", status: "done" });
      await fleet.refusal("ada", "vote", { bad: "input" });
    }
    await fleet.advance(66_000);
    await fail("ada", 5);
    expect(await agentNamed(fleet, "ada")).not.toMatchObject({ state: "revoked" });
  });

  test("reported failures count as errors, and work never brings back who was revoked for them", async () => {
    await start(
      "limits: [{ id: errors, of: agent, metric: errors, max: 1, per: 1m, then: revoke }]\nbreakers: { agent: null }\n",
    );
    await planTasks(fleet, 3);
    for (const id of ["T1", "T2", "T3"]) await claimed(fleet, "ada", { task_id: id });
    await report(fleet, "ada", "T1", "failed");
    await report(fleet, "ada", "T2", "failed");
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "revoked" });
    expect(await taskNamed(fleet, "T3")).toMatchObject({ state: "ready", lostLeases: 0 });
    expect(await fleet.refusal("ada", "get_status")).toBe("agent_revoked");
  });

  test("a limit on one tool does not count the errors of another", async () => {
    await start(
      "limits: [{ id: errors, of: agent, metric: errors, max: 0, per: 1m, on: [read_board], then: revoke }]\nbreakers: { tool: null }\n",
      { operations },
    );
    await fail("ada", 3);
    expect(await agentNamed(fleet, "ada")).not.toMatchObject({ state: "revoked" });
  });

  test("a person who restores the agent gives it a clean slate", async () => {
    await start(
      "limits: [{ id: errors, of: agent, metric: errors, max: 1, per: 10m, then: revoke }]\nbreakers: { tool: null }\n",
      { operations },
    );
    await fail("ada", 3);
    expect(await calls("ada", 1)).toEqual(["agent_revoked"]);
    await asPerson(fleet, "agents_restore", { agent: "ada" });
    expect(await calls("ada", 3)).toEqual(["ok", "ok", "ok"]);
  });
});

describe("gauges", () => {
  test("running tasks are held to the limit, each refusal has its entry, and room ends it", async () => {
    await start(
      "limits: [{ id: parallel, of: agent, metric: running_tasks, max: 2, then: deny }]\n",
    );
    await planTasks(fleet, 4);
    expect(await claimed(fleet, "ada", { task_id: "T1" })).toBe("T1");
    expect(await claimed(fleet, "ada", { task_id: "T2" })).toBe("T2");
    for (let time = 0; time < 3; time += 1) {
      expect(await claimed(fleet, "ada", { task_id: "T3" })).toBe("limit");
    }
    expect(await claimed(fleet, "ada")).toBe("T1");
    expect(await claimed(fleet, "bob")).toBe("T3");
    const denied = (await fleet.ledger()).filter(({ rule }) => rule === "limit:parallel");
    expect(denied.map(({ reason }) => reason)).toEqual(["limited", "limited", "limited"]);
    await report(fleet, "ada", "T1", "done");
    expect(await claimed(fleet, "ada", { task_id: "T4" })).toBe("T4");
    await fleet.advance(120_000);
    await fleet.tick();
    expect(await effects("flood")).toEqual([]);
  });

  test("of the project they are those of all agents", async () => {
    await start("limits: [{ id: wide, of: project, metric: running_tasks, max: 1, then: deny }]\n");
    await planTasks(fleet, 2);
    expect(await claimed(fleet, "ada")).toBe("T1");
    expect(await claimed(fleet, "bob")).toBe("limit");
    await report(fleet, "ada", "T1", "released");
    expect(await claimed(fleet, "bob")).toBe("T1");
  });

  test("minutes on one task refuse its holder all but the ways out of it", async () => {
    await start("limits: [{ id: long, of: agent, metric: task_minutes, max: 10, then: deny }]\n");
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await fleet.advance(10 * 60_000);
    await fleet.ok("ada", "read_board");
    await fleet.advance(60_000);
    expect(await fleet.refusal("ada", "read_board")).toBe("limited");
    await report(fleet, "ada", "T1", "released");
    await fleet.ok("ada", "read_board");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready" });
  });
});

async function usage(agent: string, used: object): Promise<void> {
  await asPerson(fleet, "usage_record", { agent, source: "runner", ...used });
}

describe("tokens and cost", () => {
  test("are counted as they are told, and too much of the project's money stops it", async () => {
    await start(
      "limits: [{ id: budget, of: project, metric: cost_usd, max: 50, per: 1d, then: stop }]\n",
    );
    await calls("ada", 1);
    await calls("bob", 1);
    await usage("ada", { cost_usd: 25 });
    await usage("bob", { cost_usd: 25 });
    expect(await calls("ada", 1)).toEqual(["ok"]);
    await usage("bob", { cost_usd: 0.01 });
    expect(await claimed(fleet, "ada")).toBe("stopped");
    expect(await asPerson(fleet, "stops_list")).toMatchObject({ stops: [{ by: "limit:budget" }] });
    // Who resumes without more money is stopped again: the day is not over.
    await asPerson(fleet, "resume");
    expect(await claimed(fleet, "ada")).toBe("stopped");
    await fleet.advance(27 * 3_600_000);
    await asPerson(fleet, "resume");
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
  });

  test("of one agent throttle that agent only, and no agent can say what it used", async () => {
    await start("limits: [{ id: tokens, of: agent, metric: tokens, max: 1000, per: 1h }]\n");
    await calls("ada", 1);
    await calls("bob", 1);
    await usage("ada", { tokens: 1001 });
    expect(await calls("ada", 1)).toEqual(["limited"]);
    expect(await calls("bob", 1)).toEqual(["ok"]);
    expect(await fleet.refusal("bob", "usage_record", { agent: "ada" })).toBe("person_required");
  });
});

async function resumed(): Promise<unknown> {
  return (await asPerson(fleet, "resume"))["stops_again"];
}

describe("who resumes after a stop that a limit raised", () => {
  test("is told that it stops again, when it would not, and what to do; then not any more", async () => {
    await start(
      "limits: [{ id: many, of: project, metric: calls, max: 2, per: 1m, then: stop }]\n",
    );
    expect(howMany(await calls("ada", 3), "stopped")).toBe(1);
    await asPerson(fleet, "stop", { reason: "seen" });
    const [row] = (await resumed()) as JsonObject[];
    expect(row).toMatchObject({ limit: "many", of: "project" });
    const seconds = Number(row?.["retry_after_seconds"]);
    expect(row?.["fix"]).toBe(
      `Raise limit many in guvnor.yaml (guvnor policy apply), or wait ${seconds} seconds and resume then.`,
    );
    expect(await calls("ada", 1)).toEqual(["stopped"]);
    await fleet.advance(seconds * 1000);
    expect(await resumed()).toEqual([]);
    expect(await calls("ada", 1)).toEqual(["ok"]);
  });

  test("is told of the agent where its own calls were too many, and of a gauge that stopped", async () => {
    await start(`limits:
  - { id: own, of: agent, metric: calls, max: 3, per: 1h, then: deny, repeat: { times: 1, within: 1d, then: stop } }
  - { id: held, of: agent, metric: running_tasks, max: 1, then: stop }
`);
    await planTasks(fleet, 3);
    expect(await claimed(fleet, "ada")).toBe("T1");
    await fleet.call("ada", "request_task", { task_id: "T2" });
    expect(await resumed()).toEqual([
      {
        limit: "held",
        of: "agent:ada",
        fix: "Raise limit held in guvnor.yaml (guvnor policy apply).",
      },
    ]);
    await calls("ada", 3);
    expect(await resumed()).toMatchObject([{ limit: "own", of: "agent:ada" }]);
  });

  test("hears nothing of limits that only slow down or refuse", async () => {
    await start("limits: [{ id: many, of: agent, metric: calls, max: 1, per: 1h, then: deny }]\n");
    await calls("ada", 3);
    await asPerson(fleet, "stop", { reason: "seen" });
    expect(await resumed()).toEqual([]);
  });
});
