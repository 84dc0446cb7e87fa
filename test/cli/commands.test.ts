import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { expectReadable, HOSTILE } from "./readable.ts";
import { createSandbox, type Sandbox, type Served } from "./sandbox.ts";

let sandbox: Sandbox;
let served: Served;

/** A project in which everything was used once: two plans, an agent, a topic, an escalation. */
beforeAll(async () => {
  sandbox = createSandbox();
  sandbox.makeKey();
  await sandbox.guvnor("init");
  const plan = {
    title: `Plan ${HOSTILE}`,
    tasks: [
      { key: "one", title: `First ${HOSTILE}`, body: `${HOSTILE}\n  indented\n`, gates: [] },
      { key: "two", title: "漢字 ".repeat(30).trim(), after: ["one"], needs: ["python"] },
    ],
  };
  await sandbox.run(["plan", "submit", "-"], { stdin: JSON.stringify(plan) });
  served = sandbox.serve();
  await served.client.initialize();
  await served.client.call("register_agent", { name: "ada", capabilities: ["typescript"] });
  await served.client.call("request_task", {});
  await served.client.call("open_topic", {
    title: `Which way ${HOSTILE}`,
    problem: `Either ${HOSTILE}`,
    electorate: { agents: ["ada"] },
  });
  await served.client.call("propose_solution", { topic_id: "B1", title: HOSTILE, body: HOSTILE });
  await served.client.call("request_escalation", {
    kind: "question",
    severity: "high",
    summary: `Whose ${HOSTILE}`,
    task_id: "T1",
  });
  await served.client.call("send_message", { to: "#build", body: `Listen ${HOSTILE}\n` });
}, 60_000);

afterAll(() => sandbox.remove());

const READING: readonly (readonly string[])[] = [
  ["init", "--dry-run"],
  ["status"],
  ["tasks", "list"],
  ["tasks", "list", "--state", "pending,running", "--plan", "P1", "--limit", "1"],
  ["tasks", "show", "T1"],
  ["tasks", "show", "T2"],
  ["plan", "show", "P1"],
  ["board", "list"],
  ["board", "show", "B1"],
  ["escalations", "list"],
  ["escalations", "show", "E1"],
  ["messages", "list"],
  ["messages", "list", "--channel", "#build", "--limit", "1"],
  ["messages", "show", "M1"],
  ["policy", "apply", "--dry-run"],
  ["audit", "tail"],
  ["audit", "show", "3"],
  ["audit", "show", "3", "--payload"],
  ["audit", "verify"],
  ["doctor"],
];

describe("each command", () => {
  it.each(READING.map((args) => [args.join(" "), args] as const))(
    "guvnor %s is readable by people and by programs",
    async (_, args) => {
      expect(await expectReadable(sandbox, args)).not.toBe("");
    },
  );

  it("gives programs the same text that the agent wrote", async () => {
    const { task } = (await sandbox.json("tasks", "show", "T1")) as { task: { title: string } };
    expect(task.title).toBe(`First ${HOSTILE}`);
  });

  it("hints at the next step", async () => {
    expect((await sandbox.guvnor("tasks", "list")).stdout).toContain(
      "→ Look at one: guvnor tasks show T1",
    );
    expect((await sandbox.guvnor("escalations", "list")).stdout).toContain(
      "guvnor escalations resolve E1",
    );
  });

  it.each([
    [["tasks", "show", "T99"], 1, "task_not_found"],
    [["plan", "show", "P99"], 1, "plan_not_found"],
    [["board", "show", "B99"], 1, "topic_not_found"],
    [["board", "withdraw", "B99", "--reason", "x"], 1, "topic_not_found"],
    [["board", "mediate", "B1", "--reason", "x"], 1, "state_conflict"],
    [["board", "withdraw", "B1"], 2, "input_invalid"],
    [["escalations", "ack", "E99"], 1, "escalation_not_found"],
    [["escalations", "show", "E99"], 1, "escalation_not_found"],
    [["escalations", "resolve", "E1", "x", "--exception-until", "soon"], 2, "input_invalid"],
    [["escalations", "withdraw", "E1"], 2, "input_invalid"],
    [["say", "nobody", "hello"], 1, "agent_unknown"],
    [["messages", "show", "M99"], 1, "message_not_found"],
    [["audit", "show", "999999"], 1, "input_invalid"],
    [["audit", "verify", "missing.jsonl"], 1, "input_invalid"],
    [["plan", "submit", "missing.yaml"], 1, "input_invalid"],
    [["tasks", "cancel", "T1"], 2, "input_invalid"],
    [["tasks", "list", "--state", "sleeping"], 2, "input_invalid"],
    [["tasks", "list", "--limit", "many"], 2, "input_invalid"],
    [["board", "decide", "B1", "--reason", "x"], 2, "input_invalid"],
    [["audit", "tail", "--since", "yesterday"], 2, "input_invalid"],
    [["task"], 2, "input_invalid"],
    [["tasks"], 2, "input_invalid"],
    [["status", "--colour"], 2, "input_invalid"],
  ] as const)("guvnor %j ends with %i, and tells %s", async (args, code, problem) => {
    const [text, json] = await Promise.all([
      sandbox.guvnor(...args),
      sandbox.guvnor(...args, "--json"),
    ]);
    expect(json).toMatchObject({ code, stderr: "" });
    const { error } = JSON.parse(json.stdout) as { error: Record<string, string> };
    expect(error).toMatchObject({ code: problem });
    expect(error["fix"]).not.toBe("");
    expect(text).toMatchObject({ code, stdout: "" });
    expect(text.stderr).not.toBe("");
  });

  it("prints help and the version", async () => {
    const { version } = await sandbox.json("--version");
    expect((await sandbox.guvnor("--version")).stdout).toBe(`${String(version)}\n`);
    const help = await sandbox.guvnor("--help");
    expect(help.code).toBe(0);
    expect(help.stdout).toContain("Exit codes: 0");
    expect(help.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("tells what is wrong with a setting of the environment", async () => {
    const env = { GUVNOR_DURABILITY: "some" };
    const { code, stderr } = await sandbox.run(["status"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("GUVNOR_DURABILITY");
  });

  it("says where there is no project", async () => {
    const { code, stdout } = await sandbox.run(["status", "--json"], { directory: sandbox.base });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "no_project" } });
  });

  it("is quiet when nobody reads on", async () => {
    const through = ["/bin/sh", "-c", '"$@" | true', "sh"];
    const { code, stderr } = await sandbox.run(["audit", "export"], { through });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("work by people", () => {
  it("adds a task with all that was said of it", async () => {
    const added = await sandbox.json(
      "tasks", "add", "Fix the parser", "--body", "It fails on tabs.", "--kind", "fix",
      "--label", "area=parser", "--label", "size=s", "--needs", "typescript,parsing",
      "--paths", "src/**", "--priority", "90", "--after", "T1", "--no-gates", "--plan", "P1",
    ); // prettier-ignore
    const [id] = Object.values(added["tasks"] as Record<string, string>);
    expect(added["plan_id"]).toBe("P1");
    expect(await sandbox.json("tasks", "show", id ?? "")).toMatchObject({
      task: {
        title: "Fix the parser",
        body: "It fails on tabs.",
        kind: "fix",
        labels: { area: "parser", size: "s" },
        needs: ["parsing", "typescript"],
        paths: ["src/**"],
        priority: 90,
        plan: "P1",
        after: [{ id: "T1" }],
      },
    });
  });

  it("submits a plan from YAML, checks it first, and refuses aliases", async () => {
    const file = join(sandbox.project, "plan.yaml");
    writeFileSync(file, "title: From YAML\ntasks:\n  - { key: a, title: A }\n");
    const dry = await sandbox.json("plan", "submit", "plan.yaml", "--dry-run");
    expect(dry).toMatchObject({ dry_run: true, analysis: { critical_path: ["a"] } });
    const done = await sandbox.json("plan", "submit", "plan.yaml");
    expect(await sandbox.json("plan", "show", String(done["plan_id"]))).toMatchObject({
      plan: { title: "From YAML" },
      counts: { ready: 1 },
    });
    writeFileSync(file, "title: &t Bomb\ntasks: [{ key: a, title: *t }]\n");
    expect(await sandbox.json("plan", "submit", "plan.yaml")).toMatchObject({
      error: { code: "input_invalid" },
    });
  });

  it("cancels and reopens", async () => {
    const added = await sandbox.json("tasks", "add", "Short-lived");
    const id = String(Object.values(added["tasks"] as Record<string, string>)[0]);
    expect(await sandbox.json("tasks", "cancel", id, "--reason", "no more")).toMatchObject({
      task: { state: "cancelled" },
    });
    expect(await sandbox.json("tasks", "reopen", id, "--reason", "after all")).toMatchObject({
      task: { state: "ready" },
    });
  });

  it("speaks to an agent and answers its question; the agent hears both", async () => {
    expect(await sandbox.json("say", "ada", "Well done.")).toMatchObject({ delivered_to: ["ada"] });
    expect(await sandbox.json("escalations", "ack", "E1")).toMatchObject({ state: "acknowledged" });
    expect(await sandbox.json("escalations", "resolve", "E1", "Yours.")).toMatchObject({
      state: "resolved",
    });
    const { result } = await served.client.call("get_status", { scope: "me" });
    const text = JSON.stringify(result?.["structuredContent"]);
    expect(text).toContain("Well done.");
    expect(text).toContain("Yours.");
  });

  it("grants an exception for a time, and takes a question back", async () => {
    const granted = await askPolicy("May I skip the review?");
    const until = ["--exception-until", "2h"];
    expect(
      await sandbox.json("escalations", "resolve", granted, "This once.", ...until),
    ).toMatchObject({ resolved_how: "exception", exception_until: expect.any(String) });
    const shown = (await sandbox.guvnor("escalations", "show", granted)).stdout;
    expect(shown).toMatch(/exception {2,}This once\./);
    expect(shown).toMatch(/L3 .*policy/);
    const withdrawn = await askPolicy("And the tests?");
    expect(
      await sandbox.json("escalations", "withdraw", withdrawn, "--reason", "No."),
    ).toMatchObject({ state: "withdrawn" });
  });

  it("decides a topic", async () => {
    const decided = await sandbox.json("board", "decide", "B1", "S1", "--reason", "Simplest");
    expect(decided).toMatchObject({ state: "decided", decision: { winner: "S1", by: "person" } });
    expect((await sandbox.guvnor("board", "show", "B1")).stdout).toContain("Simplest");
  });

  it("puts changed settings in force, and says before what changes", async () => {
    const file = join(sandbox.project, "guvnor.yaml");
    writeFileSync(file, 'version: 1\ngates: { lint: { run: ["true"] } }\n');
    expect(await sandbox.json("status")).toMatchObject({
      settings: { state: "differs" },
      gates: ["tests"],
    });
    const dry = await sandbox.json("policy", "apply", "--dry-run");
    expect(dry).toMatchObject({ changed: true, applied: false, gates: ["lint"] });
    expect(dry["changes"]).toContainEqual({
      what: "gates.lint.run",
      change: "added",
      after: '["true"]',
    });
    expect(dry["changes"]).toContainEqual(
      expect.objectContaining({ what: "gates.tests.run", change: "removed" }),
    );
    expect(await sandbox.json("status")).toMatchObject({ gates: ["tests"] });
    expect(await sandbox.json("policy", "apply")).toMatchObject({ applied: true });
    expect(await sandbox.json("status")).toMatchObject({
      settings: { state: "in_force" },
      gates: ["lint"],
    });
    expect(await sandbox.json("policy", "apply")).toMatchObject({ applied: false, changed: false });
    writeFileSync(file, "version: 1\ngates: 7\n");
    expect(await sandbox.json("policy", "apply")).toMatchObject({
      error: { code: "config_invalid" },
    });
    expect(await sandbox.json("status")).toMatchObject({
      settings: { state: "invalid" },
      gates: ["lint"],
    });
  });
});

async function askPolicy(summary: string): Promise<string> {
  const { result } = await served.client.call("request_escalation", { kind: "policy", summary });
  const asked = result?.["structuredContent"] as { escalation_id: string };
  return asked.escalation_id;
}
