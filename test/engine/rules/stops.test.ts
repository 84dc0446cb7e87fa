import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { bodyOf, codeOf, type Fleet } from "../../support/engine-harness.ts";
import {
  agentNamed,
  asPerson,
  claimed,
  expectSoundLedger,
  planTasks,
  report,
  rulesFleet,
  taskNamed,
} from "../../support/rules-fleet.ts";

let fleet: Fleet;

beforeEach(async () => {
  fleet = await rulesFleet("profile: standard\n");
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

async function stop(args: object = {}): Promise<void> {
  await asPerson(fleet, "stop", { reason: "enough", ...args });
}

async function heldReports(): Promise<number> {
  return (await fleet.read(async (tx) => await tx.heldReports.open())).length;
}

async function topicState(): Promise<unknown> {
  return (await fleet.read(async (tx) => await tx.topics.get("B1")))?.state;
}

/** Beats and looks, second by second, as all living processes would. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await fleet.advance(1000);
    await fleet.tick();
  }
}

describe("a stop of the project", () => {
  test("is seen by every process at its next call, and only get_status goes on", async () => {
    await planTasks(fleet, 2);
    await claimed(fleet, "ada");
    await stop();
    expect(await fleet.ok("ada", "request_task")).toMatchObject({ reason: "stopped" });
    expect(await fleet.ok("bob", "request_task")).toMatchObject({ reason: "stopped" });
    expect(await fleet.refusal("cy", "register_agent", { name: "cy" })).toBe("stopped");
    expect(await fleet.refusal("ada", "read_board")).toBe("stopped");
    expect(await fleet.refusal("lead", "submit_plan", { title: "p", tasks: [] })).toBe("stopped");
    expect(await fleet.ok("ada", "get_status")).toMatchObject({ agent: "ada" });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
    const denied = (await fleet.ledger()).filter(({ decision }) => decision === "deny");
    expect(denied.map(({ rule, reason }) => `${rule} ${reason}`)).toEqual(
      Array.from({ length: 5 }, () => "stop stopped"),
    );
  });

  test("ends waiting calls at once, those too that wait for gates", async () => {
    await asPerson(fleet, "policy_apply", {
      source: "version: 1\ngates: { tests: { run: [npm, test] } }\n",
      file: "guvnor.yaml",
    });
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    const waits = fleet.call("bob", "request_task", { wait_seconds: 50 });
    const done = { task_id: "T1", status: "done", wait_seconds: 50 };
    const follows = fleet.call("ada", "report_progress", done);
    await fleet.advance(2000);
    await stop();
    await fleet.advance(1);
    expect(bodyOf(await waits)).toMatchObject({ reason: "stopped" });
    expect(bodyOf(await follows)).toMatchObject({ accepted: true, task: { state: "review" } });
  });

  test("latches: it is there after all processes were started again, until a person resumes it", async () => {
    await claimed(fleet, "ada");
    await stop();
    for (const each of ["ada", "cli"]) fleet.kill(each);
    await fleet.advance(3_600_000);
    expect(await fleet.ok("ada", "request_task")).toMatchObject({ reason: "stopped" });
    expect(await fleet.asPerson("stop", { reason: "again" })).toMatchObject({
      body: { changed: false },
    });
    expect(await asPerson(fleet, "stops_list")).toMatchObject({ stops: [{ reason: "enough" }] });
    expect(await asPerson(fleet, "resume")).toMatchObject({ resumed: true, still_stopped: [] });
    expect(await fleet.ok("ada", "request_task")).toMatchObject({ reason: "nothing_ready" });
    expect(codeOf(await fleet.asPerson("resume"))).toBe("state_conflict");
  });

  test("no agent can resume it or stop others", async () => {
    await stop();
    expect(await fleet.refusal("ada", "resume")).toBe("stopped");
    await asPerson(fleet, "resume");
    expect(await fleet.refusal("ada", "stop", { reason: "me" })).toBe("person_required");
  });
});

describe("a report while stopped", () => {
  test("is kept without a transition, answered stopped, and counts when work is resumed", async () => {
    await planTasks(fleet, 2);
    await claimed(fleet, "ada");
    await stop();
    expect(await report(fleet, "ada", "T1", { status: "done", note: "ready" })).toMatchObject({
      code: "stopped",
      details: { stored: true },
    });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
    expect(await asPerson(fleet, "resume")).toMatchObject({ reports_taken: 1 });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "done" });
    expect(await heldReports()).toBe(0);
  });

  test("said again and again it is kept once, and without the session", async () => {
    const { session } = await fleet.ok("ada", "register_agent", { name: "ada" });
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    for (let time = 0; time < 3; time += 1) {
      await report(fleet, "ada", "T1", { status: "done", session, request_id: `r${time}` });
    }
    expect(await heldReports()).toBe(1);
    const stored = await fleet.read(async (tx) => await tx.heldReports.open());
    expect(JSON.stringify(stored)).not.toContain(session);
  });

  test("sent again under its request_id after the resumption is answered as it was taken", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    const words = { status: "done", request_id: "r1" };
    await report(fleet, "ada", "T1", words);
    await asPerson(fleet, "resume");
    expect(await report(fleet, "ada", "T1", words)).toMatchObject({
      accepted: true,
      task: { id: "T1", state: "done" },
    });
    const other = { ...words, note: "another" };
    expect(await report(fleet, "ada", "T1", other)).toMatchObject({ code: "request_id_reused" });
    expect((await fleet.ledger()).filter(({ decision }) => decision === "replayed")).toHaveLength(
      1,
    );
  });

  test("of two under one request_id only the first is taken", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    await report(fleet, "ada", "T1", { status: "working", request_id: "r1" });
    await report(fleet, "ada", "T1", { status: "released", request_id: "r1" });
    expect(await asPerson(fleet, "resume")).toMatchObject({ reports_taken: 2 });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
  });

  test("several are taken in order, each under its own fence", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    await report(fleet, "ada", "T1", { status: "working", percent: 10 });
    await report(fleet, "ada", "T1", { status: "released", fence: 1 });
    await report(fleet, "ada", "T1", { status: "done", fence: 1 });
    await report(fleet, "bob", "T1", "done");
    await asPerson(fleet, "resume");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", holder: null });
    const outcomes = (await fleet.ledger())
      .flatMap(({ effects }) => effects)
      .filter(({ event }) => event === "report_replayed")
      .map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["accepted", "accepted", "stale_lease"]);
    expect((await fleet.inbox("ada")).at(-1)?.text).toContain("refused now: stale_lease");
  });

  test("is taken under the rules in force at that time, not those of when it was made", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    await report(fleet, "ada", "T1", "done");
    await asPerson(fleet, "policy_apply", {
      source:
        "version: 1\npolicy: { rules: [{ id: no-done, on: [report_progress], effect: deny, reason: not now }] }\n",
      file: "guvnor.yaml",
    });
    await asPerson(fleet, "resume");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
  });

  test("of an agent that was revoked meanwhile is not taken", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    await report(fleet, "ada", "T1", "done");
    await asPerson(fleet, "agents_revoke", { agent: "ada", reason: "no" });
    await asPerson(fleet, "resume");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", holder: null });
  });
});

describe("time while stopped", () => {
  test("a holder whose process ends keeps its task until resume, then it is given back", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    fleet.kill("ada");
    await pass(30);
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "offline" });
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
    await asPerson(fleet, "resume");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", holder: null });
  });

  test("what such a holder had reported before it ended is taken first", async () => {
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    await report(fleet, "ada", "T1", "done");
    fleet.kill("ada");
    await pass(30);
    await asPerson(fleet, "resume");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "done" });
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "offline" });
  });

  test("does not make a holder stalled, and counts for no limit of minutes", async () => {
    await fleet.close();
    fleet = await rulesFleet(
      "limits: [{ id: long, of: agent, metric: task_minutes, max: 10, then: deny }]\n",
    );
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await stop();
    await fleet.advance(3_600_000);
    await asPerson(fleet, "resume");
    expect(await claimed(fleet, "bob")).toBe("nothing_ready");
    await report(fleet, "ada", "T1", "working");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ holder: "ada" });
    await fleet.advance(15 * 60_000);
    expect(await claimed(fleet, "bob")).toBe("T1");
  });
});

describe("a stop of one agent", () => {
  test("leaves others alone, and does not let it go on under another name of the connection", async () => {
    await planTasks(fleet, 2);
    await claimed(fleet, "ada");
    await stop({ agent: "ada" });
    expect(await fleet.refusal("ada", "read_board")).toBe("stopped");
    expect(await fleet.refusal("ada", "register_agent", { name: "eve" })).toBe("stopped");
    expect(await claimed(fleet, "bob")).toBe("T2");
    expect(codeOf(await fleet.asPerson("stop", { agent: "nobody", reason: "x" }))).toBe(
      "agent_unknown",
    );
  });

  test("holds on under a stop of the project that is resumed", async () => {
    await claimed(fleet, "ada");
    await stop({ agent: "ada" });
    await stop();
    expect(await asPerson(fleet, "resume")).toMatchObject({ still_stopped: ["agent:ada"] });
    expect(await claimed(fleet, "ada")).toBe("stopped");
    expect(await claimed(fleet, "bob")).toBe("nothing_ready");
    await asPerson(fleet, "resume", { agent: "ada" });
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
  });
});

function said(state: "stopped" | "resumed"): void {
  const atMs = fleet.clock.now();
  fleet.sayGlobally({ state, reason: "fire", by: "person:pat", atMs, keyHash: null });
}

describe("a stop of all projects", () => {
  test("latches in the project: a file that vanishes does not resume it, a word does", async () => {
    said("stopped");
    expect(await claimed(fleet, "ada")).toBe("stopped");
    fleet.sayGlobally(undefined);
    expect(await claimed(fleet, "ada")).toBe("stopped");
    await fleet.advance(1000);
    said("resumed");
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
  });

  test("is followed by the ticker, with nobody calling", async () => {
    await fleet.ok("ada", "get_status");
    said("stopped");
    await pass(6);
    expect(await asPerson(fleet, "stops_list")).toMatchObject({ stops: [{ scope: "all" }] });
    said("resumed");
    await pass(6);
    expect(await asPerson(fleet, "stops_list")).toEqual({ stops: [] });
  });

  test("once resumed here, the same old word does not stop it again", async () => {
    said("stopped");
    expect(await claimed(fleet, "ada")).toBe("stopped");
    await fleet.advance(1000);
    await asPerson(fleet, "resume", { all: true });
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
    await fleet.advance(1000);
    said("stopped");
    expect(await claimed(fleet, "ada")).toBe("stopped");
  });

  test("an old word of resuming that is put back ends no newer stop", async () => {
    said("resumed");
    await fleet.advance(1000);
    await stop({ all: true });
    expect(await claimed(fleet, "ada")).toBe("stopped");
  });
});

test("one that calls on and on while stopped does not fill the ledger", async () => {
  await fleet.close();
  fleet = await rulesFleet(
    "limits: [{ id: calls, of: agent, metric: calls, max: 10, per: 1m, then: throttle }]\n",
  );
  await stop();
  for (let call = 0; call < 100; call += 1) await claimed(fleet, "ada");
  const denied = (await fleet.ledger()).filter(({ decision }) => decision === "deny");
  expect(denied).toHaveLength(11);
});

describe("a topic while everything is stopped", () => {
  const TOPIC = {
    title: "Which?",
    problem: "One of two.",
    electorate: { agents: ["ada", "bob"] },
    propose_seconds: 300,
    vote_seconds: 600,
  };

  beforeEach(async () => {
    for (const each of ["ada", "bob"]) await fleet.ok(each, "register_agent", { name: each });
    await fleet.ok("ada", "open_topic", TOPIC);
    await fleet.advance(100_000);
  });

  test("keeps what was left of its time", async () => {
    await stop();
    await pass(400);
    expect(await topicState()).toBe("proposing");
    await asPerson(fleet, "resume");
    await pass(199);
    expect(await topicState()).toBe("proposing");
    expect(
      await fleet.ok("bob", "propose_solution", { topic_id: "B1", title: "a", body: "b" }),
    ).toMatchObject({ solution_id: "S1" });
    await pass(2);
    expect(await topicState()).toBe("voting");
  });

  test("does so through stops that overlap, and counts their time once", async () => {
    await stop();
    await pass(100);
    await stop({ all: true });
    await pass(100);
    await asPerson(fleet, "resume");
    await pass(100);
    await asPerson(fleet, "resume", { all: true });
    await pass(199);
    expect(await topicState()).toBe("proposing");
    await pass(2);
    expect(await topicState()).toBe("no_consensus");
  });

  test("goes on while a single agent is stopped", async () => {
    await stop({ agent: "bob" });
    await pass(100);
    await asPerson(fleet, "resume", { agent: "bob" });
    await pass(99);
    expect(await topicState()).toBe("proposing");
    await pass(2);
    expect(await topicState()).not.toBe("proposing");
  });
});
