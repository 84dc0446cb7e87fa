import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { expectReadable, expectSafe, HOSTILE } from "./readable.ts";
import { createSandbox, type Ended, type Sandbox, type Served, snapshot } from "./sandbox.ts";

const RULES = `version: 1
gates: {}
policy:
  rules:
    - id: ask
      on: [open_topic]
      effect: require_approval
      reason: ${JSON.stringify(`Ask first ${HOSTILE}`)}
    - id: closed
      on: [propose_solution]
      when: 'input.title != "fine"'
      effect: deny
      severity: low
      reason: ${JSON.stringify(`Closed ${HOSTILE}`)}
limits:
  - { id: budget, of: project, metric: cost_usd, max: 10, per: 1d, then: stop }
`;

/** A person's machine with a project whose rules are in force, and an agent in it. */
async function openProject(agent = "ada"): Promise<{ sandbox: Sandbox; served: Served }> {
  const sandbox = createSandbox();
  sandbox.makeKey();
  writeFileSync(join(sandbox.project, "guvnor.yaml"), RULES);
  await sandbox.guvnor("init");
  await sandbox.guvnor("tasks", "add", "Task one", "--no-gates");
  const served = sandbox.serve();
  await served.client.initialize();
  await served.client.call("register_agent", { name: agent });
  return { sandbox, served };
}

async function answer(
  { client }: Served,
  tool: string,
  args: object = {},
): Promise<Record<string, unknown>> {
  const { result } = await client.call(tool, args);
  return result?.["structuredContent"] as Record<string, unknown>;
}

async function isStopped(served: Served): Promise<boolean> {
  return (await answer(served, "request_task"))["reason"] === "stopped";
}

function problemOf({ code, stdout }: Ended): Record<string, string> {
  expect(code).not.toBe(0);
  return (JSON.parse(stdout) as { error: Record<string, string> }).error;
}

/** Long enough to reach the next line, where it looks like an argument. */
const FAKE = `${"x".repeat(60)}                "commit": "harmless", \u{E0061}\u00AD`;
const TOPIC = { title: `Which way ${HOSTILE}`, problem: FAKE };

describe("a project with rules", () => {
  let sandbox: Sandbox;
  let served: Served;

  beforeAll(async () => {
    ({ sandbox, served } = await openProject());
    writeFileSync(
      join(sandbox.project, "guvnor.test.yaml"),
      `- { name: ${JSON.stringify(`fine ${HOSTILE}`)}, call: { tool: propose_solution, input: { title: fine } }, expect: { effect: allow } }\n`,
    );
    await answer(served, "open_topic", TOPIC);
    await answer(served, "propose_solution", { topic_id: "B1", title: "x" });
    await sandbox.guvnor("tokens", "enrol", "laptop", "--tools", "request_*", "--tier", "T1");
    await sandbox.guvnor("tokens", "revoke", "laptop", "--reason", HOSTILE);
    await sandbox.guvnor("stop", "--agent", "ada", "--reason", HOSTILE);
    writeFileSync(join(sandbox.project, "other.yaml"), RULES.replace("closed", "shut"));
  }, 60_000);

  afterAll(() => sandbox.remove());

  it.each([
    [["status"], "STOPPED: ada"],
    [["approvals", "list"], "A1"],
    [["approvals", "list", "--state", "requested"], "open_topic"],
    [["approvals", "show", "A1"], "ada wants to call open_topic"],
    [["violations", "list"], "closed"],
    [["violations", "list", "--agent", "ada", "--limit", "1"], "denied"],
    [["agents", "list"], "T2"],
    [["agents", "tier", "ada"], "ada has tier T2."],
    [["tokens", "list", "--all"], "revoked"],
    [["breakers", "list"], "No breaker is open."],
    [["policy", "check"], "in order"],
    [["policy", "test"], "1 passed, 0 failed"],
    [["policy", "diff"], "in force"],
    [["policy", "diff", "other.yaml"], "policy.rules.shut"],
    [
      ["policy", "explain", "--tool", "propose_solution", "--agent", "ada"],
      "closed (deny): matches",
    ],
  ] as const)("guvnor %j is readable by people and by programs", async (args, part) => {
    expect(await expectReadable(sandbox, args)).toContain(part);
  });

  it("shows in its status who stopped what, what waits for a yes, and each agent's tier", async () => {
    const { stdout } = await sandbox.guvnor("status");
    expect(stdout).toMatch(/STOPPED: ada since .*, by person:.*: red/);
    expect(stdout).toContain("→ Go on: guvnor resume --agent ada");
    expect(stdout).toMatch(/WAITS FOR YOU[^\n]*\nA1 +approval +ada: open_topic: Ask first/);
    expect(stdout).toMatch(/ada +\w+ +T2/);
    expect(stdout).toContain("guvnor approvals show A1");
    expect(await sandbox.json("status")).toMatchObject({
      stops: [{ scope: "agent:ada", reason: HOSTILE }],
      approvals: [{ id: "A1", agent: "ada", tool: "open_topic" }],
      agents_present: [{ id: "ada", tier: "T2" }],
    });
  });

  it("shows exactly what will run: no text looks like an argument, nothing is hidden", async () => {
    const { stdout } = await sandbox.guvnor("approvals", "show", "A1");
    expect(stdout).toMatch(/^rule +ask$/m);
    const shown = stdout.slice(stdout.indexOf("{"), stdout.indexOf("\n  }\n") + 4);
    const whole = shown.replaceAll(/\n {4}… /g, "");
    expect(JSON.parse(whole)).toMatchObject(TOPIC);
    // A line of its own begins with two spaces and two more for an argument.
    expect(stdout).not.toMatch(/^ {4}"commit"/m);
    expect(stdout).toContain(String.raw`\u202e`);
    expect(stdout).toContain(String.raw`\udb40\udc61`);
    expect(stdout).toContain(String.raw`\u00ad`);
    const { approval } = await sandbox.json("approvals", "show", "A1");
    expect(approval).toMatchObject({ arguments: TOPIC });
  });

  it.each([
    [["approvals", "show", "A9"], 1, "approval_not_found"],
    [["approvals", "show", "5"], 1, "input_invalid"],
    [["approvals", "refuse", "A1"], 2, "input_invalid"],
    [["approvals", "list", "--state", "open"], 2, "input_invalid"],
    [["stop"], 2, "input_invalid"],
    [["stop", "--all", "--agent", "ada", "--reason", "x"], 2, "input_invalid"],
    [["stop", "--project", "--agent", "ada", "--reason", "x"], 2, "input_invalid"],
    [["stop", "--agent", "bob", "--reason", "x"], 1, "agent_unknown"],
    [["stop", "--reason", " "], 1, "input_invalid"],
    [["resume"], 1, "state_conflict"],
    [["agents", "revoke", "ada"], 2, "input_invalid"],
    [["agents", "revoke", "bob", "--reason", "x"], 1, "agent_unknown"],
    [["agents", "restore", "ada"], 1, "state_conflict"],
    [["agents", "tier", "bob"], 1, "agent_unknown"],
    [["agents", "tier", "ada", "--set", "T9"], 2, "input_invalid"],
    [["agents", "tier", "ada", "--freeze", "--thaw"], 2, "input_invalid"],
    [["breakers", "close", "agent:ada"], 1, "state_conflict"],
    [["tokens", "enrol", "Laptop!"], 1, "input_invalid"],
    [["tokens", "enrol", "laptop"], 1, "state_conflict"],
    [["tokens", "enrol", "other", "--tools", "request_tsk"], 2, "input_invalid"],
    [["tokens", "enrol", "other", "--days", "0"], 1, "input_invalid"],
    [["tokens", "revoke", "none", "--reason", "x"], 1, "token_invalid"],
    [["usage", "record", "--agent", "ada", "--source", "test"], 2, "input_invalid"],
    [
      ["usage", "record", "--agent", "ada", "--source", "t", "--cost-usd", "-1"],
      2,
      "input_invalid",
    ],
    [["policy", "check", "missing.yaml"], 1, "config_invalid"],
    [["policy", "test", "missing.yaml"], 1, "config_invalid"],
    [["policy", "explain", "--tool", "open_topc"], 2, "input_invalid"],
    [["policy", "explain", "--tool", "vote", "--input", "[1]"], 2, "input_invalid"],
    [["policy", "explain", "--tool", "vote", "--agent", "bob"], 1, "agent_unknown"],
    [["policy", "explain", "--tool", "vote", "--task", "T99"], 1, "task_not_found"],
  ] as const)("guvnor %j ends with %i, and tells %s", async (args, code, problem) => {
    const ended = await sandbox.guvnor(...args, "--json");
    expect(ended).toMatchObject({ code, stderr: "" });
    const error = problemOf(ended);
    expect(error).toMatchObject({ code: problem });
    expect(error["fix"]?.length).toBeGreaterThan(10);
  });
});

describe("a stop", () => {
  let sandbox: Sandbox;
  let ada: Served;
  let bob: Served;
  let stopFile: string;

  beforeAll(async () => {
    ({ sandbox, served: ada } = await openProject());
    bob = sandbox.serve();
    await bob.client.initialize();
    await bob.client.call("register_agent", { name: "bob" });
    stopFile = join(sandbox.base, "config", "guvnor", "stop.json");
    await answer(ada, "request_task");
  }, 60_000);

  afterAll(() => sandbox.remove());

  it("of the project is seen by servers that run; reports are kept and count after it", async () => {
    const waiting = bob.client.call("request_task", { wait_seconds: 50 });
    const stopped = await sandbox.guvnor("stop", "--reason", `fire ${HOSTILE}`);
    expect(stopped).toMatchObject({ code: 0, stderr: "" });
    expectSafe(stopped.stdout);
    expect((await waiting).result?.["structuredContent"]).toMatchObject({ reason: "stopped" });
    expect(await isStopped(ada)).toBe(true);
    const report = { task_id: "T1", status: "working", percent: 40 };
    expect(await answer(ada, "report_progress", report)).toMatchObject({ code: "stopped" });
    expect(await sandbox.json("stop", "--reason", "again")).toMatchObject({ changed: false });
    expect(await sandbox.json("stop", "--agent", "bob", "--reason", "own")).toMatchObject({
      changed: true,
    });
    const resumed = await sandbox.guvnor("resume");
    expect(resumed.stdout).toContain("Reports taken that came meanwhile: 1.");
    expect(resumed.stdout).toContain("bob is still stopped.");
    expect(resumed.stdout).toContain("guvnor resume --agent bob");
    expect(await isStopped(ada)).toBe(false);
    expect(await isStopped(bob)).toBe(true);
    expect(await sandbox.json("resume", "--agent", "bob")).toMatchObject({ still_stopped: [] });
    expect(await isStopped(bob)).toBe(false);
    expect(await sandbox.json("tasks", "show", "T1")).toMatchObject({ task: { percent: 40 } });
  });

  it("of everything can be said and ended outside any project; projects follow", async () => {
    const outside = { directory: sandbox.base };
    const { code, stdout } = await sandbox.run(["stop", "--all", "--reason", "all"], outside);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain("each follows at its next call");
    expect((await sandbox.guvnor("status")).stdout).toContain("STOPPED: Everything of yours");
    expect(await isStopped(ada)).toBe(true);
    expect(await sandbox.json("status")).toMatchObject({ stops: [{ scope: "all" }] });
    expect((await sandbox.run(["resume", "--all"], outside)).code).toBe(0);
    expect(await isStopped(ada)).toBe(false);
    expect(await sandbox.json("status")).toMatchObject({ stops: [] });
  });

  it("of everything is resumed by the operator's key alone", async () => {
    expect(await sandbox.json("stop", "--all", "--reason", "all")).toMatchObject({
      stopped: true,
      project: { changed: true },
    });
    const said = readFileSync(stopFile, "utf8");
    const away = `${sandbox.keyFile}.away`;
    copyFileSync(sandbox.keyFile, away);
    rmSync(sandbox.keyFile);
    for (const directory of [sandbox.base, sandbox.project]) {
      const refused = await sandbox.run(["resume", "--all", "--json"], { directory });
      expect(problemOf(refused)).toMatchObject({ code: "person_required" });
    }
    expect(readFileSync(stopFile, "utf8")).toBe(said);
    copyFileSync(away, sandbox.keyFile);
    expect(await isStopped(ada)).toBe(true);
    expect(await sandbox.json("resume", "--all")).toMatchObject({
      resumed: true,
      project: { resumed: true },
    });
    expect(await isStopped(ada)).toBe(false);
  });

  it("of everything is not ended by an old file that somebody kept", async () => {
    const kept = `${stopFile}.kept`;
    copyFileSync(stopFile, kept);
    await sandbox.guvnor("stop", "--all", "--reason", "again");
    expect(await isStopped(ada)).toBe(true);
    copyFileSync(kept, stopFile);
    expect(await isStopped(ada)).toBe(true);
    expect(await sandbox.json("resume", "--all")).toMatchObject({ resumed: true });
    expect(await isStopped(ada)).toBe(false);
  });

  it("comes from a budget that is used up, until a person raises it", async () => {
    const record = ["usage", "record", "--agent", "ada", "--source", "runner"];
    expect(await sandbox.json(...record, "--tokens", "1000", "--cost-usd", "9.5")).toMatchObject({
      tokens: 1000,
      cost_usd: 9.5,
    });
    expect(await isStopped(ada)).toBe(false);
    await sandbox.guvnor(...record, "--cost-usd", "0.75");
    expect(await isStopped(ada)).toBe(true);
    expect((await sandbox.guvnor("status")).stdout).toContain("by limit:budget");
    const early = await sandbox.guvnor("resume");
    expect(early.stdout).toContain("The project is resumed, and a limit stops it again.");
    expect(early.stdout).toContain("Limit budget is still exceeded");
    expect(early.stdout).toContain(
      "Raise limit budget in guvnor.yaml (guvnor policy apply), or wait",
    );
    expect(early.stdout).not.toContain("may go on");
    expect(await isStopped(ada)).toBe(true);
    expect(await sandbox.json("resume")).toMatchObject({
      stops_again: [{ limit: "budget", of: "project", fix: expect.any(String) }],
    });
    expect(await isStopped(ada)).toBe(true);
    const file = join(sandbox.project, "guvnor.yaml");
    writeFileSync(file, RULES.replace("max: 10", "max: 20"));
    await sandbox.guvnor("policy", "apply");
    expect(await isStopped(ada)).toBe(true);
    expect((await sandbox.guvnor("resume")).stdout).toBe("The project may go on.\n");
    expect(await isStopped(ada)).toBe(false);
  });
});

describe("what people decide about agents", () => {
  let sandbox: Sandbox;
  let served: Served;

  beforeAll(async () => {
    ({ sandbox, served } = await openProject());
  }, 60_000);

  afterAll(() => sandbox.remove());

  it("are no tools for agents", async () => {
    for (const tool of ["resume", "approvals_grant", "agents_tier", "policy_apply"]) {
      expect(await answer(served, tool)).toMatchObject({ code: "person_required" });
    }
  });

  it("a granted call runs once, as it was stored; a refused one never", async () => {
    const topic = { title: "Way", problem: "Left or right?", electorate: { agents: ["ada"] } };
    expect(await answer(served, "open_topic", topic)).toMatchObject({
      details: { approval_id: "A1" },
    });
    expect((await sandbox.guvnor("approvals", "grant", "A1", "--reason", "once")).stdout).toMatch(
      /^A1 is granted: ada was told/,
    );
    expect(await answer(served, "open_topic", topic)).toMatchObject({ topic_id: "B1" });
    expect(await sandbox.json("approvals", "show", "A1")).toMatchObject({
      approval: { state: "used" },
    });
    expect(problemOf(await sandbox.guvnor("approvals", "grant", "A1", "--json"))).toMatchObject({
      code: "state_conflict",
    });
    expect(await answer(served, "open_topic", topic)).toMatchObject({
      details: { approval_id: "A2" },
    });
    const refused = await sandbox.guvnor("approvals", "refuse", "A2", "--reason", HOSTILE);
    expect(refused).toMatchObject({ code: 0, stdout: "A2 is refused: ada was told.\n" });
    expect(await answer(served, "open_topic", topic)).toMatchObject({ code: "approval_required" });
    expectSafe((await sandbox.guvnor("approvals", "show", "A2")).stdout);
  });

  it("a tier binds from the next call on; a frozen one says by whom", async () => {
    expect(
      (await sandbox.guvnor("agents", "tier", "ada", "--set", "T0", "--freeze")).stdout,
    ).toMatch(/^ada has tier T0, frozen by person:/);
    expect(await answer(served, "request_task")).toMatchObject({ code: "policy_denied" });
    expect(await sandbox.json("agents", "list")).toMatchObject({
      agents: [{ name: "ada", tier: "T0", frozen_by: expect.stringContaining("person:") }],
    });
    await sandbox.guvnor("agents", "tier", "ada", "--set", "T2", "--thaw");
    expect(await answer(served, "request_task")).toMatchObject({ task: { id: "T1" } });
  });

  it("a revoked agent is out until it is restored, and its task is free", async () => {
    const revoked = await sandbox.guvnor("agents", "revoke", "ada", "--reason", HOSTILE);
    expect(revoked.stdout).toContain("guvnor agents restore ada");
    expect(await answer(served, "request_task")).toMatchObject({ code: "agent_revoked" });
    expect(await sandbox.json("tasks", "show", "T1")).toMatchObject({ task: { state: "ready" } });
    expect((await sandbox.guvnor("agents", "restore", "ada")).code).toBe(0);
    expect(await answer(served, "request_task")).toMatchObject({ task: { id: "T1" } });
  });

  it("a credential is printed once and stored nowhere; revoked, it ends its agents", async () => {
    const { stdout, stderr } = await sandbox.guvnor(
      "tokens", "enrol", "laptop", "--tools", "request_*,get_status", "--tier", "T1", "--days", "2",
      "--principal", "Pat",
    ); // prettier-ignore
    const [credential = ""] = /[0-9a-f]{64}/.exec(stdout) ?? [];
    expect(credential).not.toBe("");
    expect(stdout).toContain("GUVNOR_TOKEN");
    expectSafe(stdout);
    const own = sandbox.serve({ GUVNOR_TOKEN: credential, GUVNOR_AGENT: "eve" });
    await own.client.initialize();
    expect(await answer(own, "register_agent", { name: "eve" })).toMatchObject({ tier: "T1" });
    expect(await answer(own, "get_status")).toMatchObject({ agent: "eve" });
    expect(await answer(own, "read_board")).toMatchObject({ code: "token_invalid" });
    expect((await sandbox.guvnor("tokens", "list")).stdout).toMatch(/access +eve +laptop +Pat +T1/);
    const stored = Object.values(snapshot(sandbox.base));
    expect(stored.filter((text) => text.includes(credential))).toEqual([]);
    for (const args of [
      ["tokens", "list", "--all"],
      ["audit", "tail", "--limit", "50"],
    ]) {
      expect((await sandbox.guvnor(...args, "--json")).stdout + stderr).not.toContain(credential);
    }
    expect(await sandbox.json("tokens", "revoke", "laptop", "--reason", "lost")).toMatchObject({
      agents: ["eve"],
    });
    expect(await answer(own, "get_status")).toMatchObject({ code: "agent_revoked" });
    expect((await sandbox.guvnor("status")).stdout).toMatch(/eve +revoked/);
  });
});

describe("an agent's own shell", () => {
  let sandbox: Sandbox;
  let served: Served;

  beforeAll(async () => {
    ({ sandbox, served } = await openProject());
    await answer(served, "open_topic", { title: "t", problem: "p" });
    await sandbox.guvnor("stop", "--reason", "hold");
    writeFileSync(join(sandbox.project, "guvnor.yaml"), "version: 1\nprofile: open\n");
    writeFileSync(join(sandbox.base, "gemini"), '"$@"\nexit $?\n');
  }, 60_000);

  afterAll(() => sandbox.remove());

  async function seen(): Promise<unknown> {
    const status = await sandbox.json("status");
    return [
      { policy: status["policy"], stops: status["stops"] },
      await sandbox.json("approvals", "list"),
      await sandbox.json("tokens", "list", "--all"),
      (await sandbox.json("agents", "tier", "ada"))["tier"],
      snapshot(join(sandbox.base, "config")),
    ];
  }

  it.each([
    ["with its person's key at hand", {}],
    ["with the key out of sight", { XDG_CONFIG_HOME: "/nowhere" }],
  ])("reads, and changes nothing of what people decide, %s", async (_, env) => {
    const before = await seen();
    const ways: readonly (readonly string[])[] = [
      ["resume"],
      ["resume", "--all"],
      ["stop", "--all", "--reason", "x"],
      ["stop", "--agent", "ada", "--reason", "x"],
      ["approvals", "grant", "A1"],
      ["approvals", "refuse", "A1", "--reason", "x"],
      ["agents", "revoke", "ada", "--reason", "x"],
      ["agents", "restore", "ada"],
      ["agents", "tier", "ada", "--set", "T2", "--freeze"],
      ["breakers", "close", "agent:ada"],
      ["tokens", "enrol", "mine"],
      ["tokens", "revoke", "mine", "--reason", "x"],
      ["usage", "record", "--agent", "ada", "--source", "x", "--tokens", "1"],
      ["policy", "apply"],
    ];
    const through = ["/bin/sh", join(sandbox.base, "gemini")];
    for (const args of ways) {
      const refused = problemOf(await sandbox.run([...args, "--json"], { through, env }));
      expect({ args, ...refused }).toMatchObject({ args, code: "person_required" });
    }
    for (const directory of [sandbox.base]) {
      for (const way of ["stop", "resume"]) {
        const reason = way === "stop" ? ["--reason", "x"] : [];
        const args = [way, "--all", ...reason, "--json"];
        const refused = problemOf(await sandbox.run(args, { through, directory }));
        expect(refused).toMatchObject({ code: "person_required" });
      }
    }
    expect(await seen()).toEqual(before);
    expect((await answer(served, "request_task"))["reason"]).toBe("stopped");
  });
});

describe("guvnor policy", () => {
  let sandbox: Sandbox;

  beforeAll(() => {
    sandbox = createSandbox({ repository: false });
  });

  afterAll(() => sandbox.remove());

  function write(file: string, text: string): void {
    writeFileSync(join(sandbox.project, file), text);
  }

  it("check needs no project, and names all that is wrong by its place", async () => {
    const rules = Array.from(
      { length: 25 },
      (_, at) =>
        `    - { id: r${at}, on: [vote], when: "task.knd == 1", effect: deny, reason: no }\n`,
    );
    write("guvnor.yaml", `version: 1\npolicy:\n  rules:\n${rules.join("")}`);
    const stdout = await expectReadable(sandbox, ["policy", "check"], 1);
    expect(stdout).toMatch(/^guvnor.yaml:4:41: policy.rules.r0.when: there is no task.knd/);
    const { problems } = await sandbox.json("policy", "check");
    expect(problems).toHaveLength(20);
    write("guvnor.yaml", RULES);
    expect(await expectReadable(sandbox, ["policy", "check"])).toContain("2 rules");
    const file = join(sandbox.project, "guvnor.yaml");
    expect((await sandbox.run(["policy", "check", file], { directory: sandbox.base })).code).toBe(
      0,
    );
  });

  it("test ends with 1 when a case fails, and says what came instead", async () => {
    write("guvnor.yaml", RULES);
    write(
      "guvnor.test.yaml",
      `- { name: fine, call: { tool: propose_solution, input: { title: fine } }, expect: { effect: allow } }
- { name: closed, call: { tool: propose_solution }, expect: { effect: allow } }
`,
    );
    const stdout = await expectReadable(sandbox, ["policy", "test"], 1);
    expect(stdout).toContain("ok    fine\n");
    expect(stdout).toMatch(/^FAIL {2}closed {2}\(guvnor.test.yaml:2:3\)$/m);
    expect(stdout).toContain("effect: expected allow, got deny");
    expect(stdout).toContain("1 passed, 1 failed.");
    write("open.yaml", "version: 1\nprofile: open\n");
    expect((await sandbox.guvnor("policy", "test", "--file", "open.yaml")).code).toBe(0);
    write("broken.yaml", "- { name: x, call: { tool: vot }, expect: { effect: allow } }\n");
    expect(await sandbox.json("policy", "test", "broken.yaml")).toMatchObject({
      error: { code: "config_invalid" },
    });
  });
});

describe("explaining and applying rules", () => {
  let sandbox: Sandbox;

  beforeAll(async () => {
    ({ sandbox } = await openProject());
  }, 60_000);

  afterAll(() => sandbox.remove());

  it("explains a call by what is in force, or by a file", async () => {
    const call = ["policy", "explain", "--tool", "propose_solution", "--input", '{"title":"fine"}'];
    expect(await sandbox.json(...call)).toMatchObject({
      decision: { effect: "allow" },
      tier: "T2",
      rules: [
        { rule: "ask", outcome: "other_tool" },
        { rule: "closed", outcome: "not_matched", values: { "input.title": "fine" } },
      ],
    });
    writeFileSync(
      join(sandbox.project, "about.yaml"),
      `version: 1
profile: strict
policy:
  rules:
    - { id: mine, on: [report_progress], when: 'task.title == "Task one" && agent.name == "ada"', effect: deny, reason: no }
`,
    );
    const file = ["--file", "about.yaml"];
    const about = [
      "policy",
      "explain",
      "--tool",
      "report_progress",
      "--agent",
      "ada",
      "--task",
      "T1",
    ];
    expect(await sandbox.json(...about, "--input", '{"status":"done"}', ...file)).toMatchObject({
      agent: "ada",
      tier: "T2",
      decision: { effect: "deny", rule: "mine" },
      rules: [{ rule: "mine", values: { "task.title": "Task one", "agent.name": "ada" } }],
    });
    // A new agent has the tier that the file says.
    expect(await sandbox.json("policy", "explain", "--tool", "vote", ...file)).toMatchObject({
      decision: { effect: "deny", rule: "tier:T0" },
    });
  });

  it("puts nothing in force that cannot be compiled, and status says so", async () => {
    const { policy } = await sandbox.json("status");
    writeFileSync(
      join(sandbox.project, "guvnor.yaml"),
      RULES.replace("input.title", "input.titel"),
    );
    expect(problemOf(await sandbox.guvnor("policy", "apply", "--json"))).toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining("titel"),
    });
    expect(await sandbox.json("status")).toMatchObject({ policy, settings: { state: "invalid" } });
  });
});
