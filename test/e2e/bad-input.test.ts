import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Message } from "../mcp/raw-client.ts";
import { inDatabase } from "../store/database-file.ts";
import {
  type Body,
  databaseOf,
  fenceOf,
  type RawProcess,
  startRaw,
  taskOf,
  temporaryDirectory,
} from "./agent-process.ts";
import { entriesOf, tasksOf } from "./ledger.ts";

/** What a terminal would obey, in 7 bits and in 8, and what would begin a line of its own in a log. */
const NASTY = '\u001B]0;title\u0007\u001B[2J\u009B31m\r\n{"level":60}\u202Eevil';
// oxlint-disable-next-line no-control-regex -- controls are what is looked for
const CONTROLS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E]/;
const LONE = "\uD800";

let home = "";
let server: RawProcess;
/** Codes of the refusals, in the order in which they were sent. */
let refused: string[] = [];

beforeEach(async () => {
  home = temporaryDirectory();
  server = startRaw(home);
  refused = [];
  await server.raw.initialize();
  await ok("register_agent", { name: "ada" });
});

afterEach(expectWhole);

/** Whatever was sent, the server still answers, and the ledger tells of each refusal. */
async function expectWhole(): Promise<void> {
  const answer = await ok("get_status");
  expect(answer).toMatchObject({ agent: "ada" });
  const entries = entriesOf(home);
  const recorded = entries.flatMap(({ decision, reason }) =>
    decision === "refuse" || decision === "error" ? [reason] : [],
  );
  expect(recorded).toEqual(refused);
  expect(refused).not.toContain("internal");
  for (const { actor, action, target } of entries) {
    expect(`${actor}${action}${target}`).not.toMatch(CONTROLS);
  }
  // No line of the log is more than it seems, and nothing in it moves a terminal.
  expect(server.stderr().replaceAll("\n", "")).not.toMatch(CONTROLS);
  for (const line of server.stderr().split("\n").filter(Boolean)) JSON.parse(line);
  server.child.stdin.end();
  expect(await server.ended).toBe(0);
}

function bodyOf({ result }: Message): Body {
  const { structuredContent } = (result ?? {}) as { structuredContent?: Body };
  if (structuredContent === undefined) throw new Error("no answer of a tool");
  return structuredContent;
}

/** A refusal as its code; remembered, so that its entry can be looked for. */
function note(message: Message): string {
  const { code, message: text, fix } = bodyOf(message);
  expect(message.result?.["isError"]).toBe(true);
  expect(text).toEqual(expect.any(String));
  expect(fix).toEqual(expect.any(String));
  refused.push(String(code));
  return String(code);
}

async function ok(tool: string, args: object = {}): Promise<Body> {
  const message = await server.raw.call(tool, args);
  if (message.result?.["isError"] === true) throw new Error(JSON.stringify(bodyOf(message)));
  return bodyOf(message);
}

async function refusal(tool: unknown, args?: unknown): Promise<string> {
  return note(await server.raw.call(tool, args));
}

/** Sends text that JSON.stringify would not write. */
async function refusalOf(paramsJson: string): Promise<string> {
  server.raw.write(`{"jsonrpc":"2.0","id":"raw","method":"tools/call","params":${paramsJson}}\n`);
  return note(await server.raw.answerTo("raw"));
}

const TASK = { key: "a", title: "A" };

function planOf(tasks: readonly object[]): object {
  return { title: "Plan", tasks };
}

describe("a call that is malformed", () => {
  test("is refused for its tool, its fields or their types", async () => {
    expect(await refusal("no_such_tool")).toBe("tool_unknown");
    expect(await refusal("guvnor tasks accept")).toBe("tool_unknown");
    expect(await refusal("request_task", { wait: 5 })).toBe("input_invalid");
    expect(await refusal("request_task", { wait_seconds: "5" })).toBe("input_invalid");
    expect(await refusal("request_task", { wait_seconds: 51 })).toBe("input_invalid");
    expect(await refusal("request_task", { wait_seconds: -1 })).toBe("input_invalid");
    expect(await refusal("request_task", { capabilities: "all" })).toBe("input_invalid");
    expect(await refusal("report_progress", {})).toBe("input_invalid");
    expect(await refusal("report_progress", { task_id: "T1", status: "finished" })).toBe(
      "input_invalid",
    );
    expect(await refusal("submit_plan", planOf([]))).toBe("input_invalid");
    expect(await refusal("submit_plan", planOf([{ ...TASK, priority: 101 }]))).toBe(
      "input_invalid",
    );
    expect(await refusal("submit_plan", { tasks: [TASK] })).toBe("input_invalid");
  });

  test("is refused when its arguments are no object, or its name no name", async () => {
    for (const args of ["text", 7, true, [], [{}], null]) {
      expect(await refusal("get_status", args)).toBe("input_invalid");
    }
    for (const name of ["", 7, null, {}, "x".repeat(1000)]) {
      expect(await refusal(name, {})).toBe("input_invalid");
    }
    expect(await refusalOf("null")).toBe("input_invalid");
    expect(await refusalOf("[]")).toBe("input_invalid");
    expect(await refusalOf('{"name":"get_status","arguments":{},"_meta":7}')).toBe("input_invalid");
  });

  test("is refused when it is too large or too deep", async () => {
    expect(await refusal("get_status", { id: "x".repeat(10_000_000) })).toBe("input_too_large");
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    expect(await refusalOf(`{"name":"get_status","arguments":{"id":${deep}}}`)).toBe(
      "input_too_large",
    );
    expect(await refusalOf(`{"name":"get_status","arguments":${deep}}`)).toBe("input_invalid");
    const wide = Array.from({ length: 500_000 }, () => 0);
    expect(await refusal("get_status", { id: wide })).toBe("input_too_large");
    const body = "x".repeat(20_001);
    expect(await refusal("submit_plan", planOf([{ ...TASK, body }]))).toBe("input_invalid");
  });

  test("is refused for text and keys that nobody can hold safely", async () => {
    expect(await refusal("submit_plan", planOf([{ ...TASK, title: "a\0b" }]))).toBe(
      "input_invalid",
    );
    expect(await refusal("submit_plan", planOf([{ ...TASK, title: `a${LONE}b` }]))).toBe(
      "input_invalid",
    );
    expect(await refusal("get_status\0", {})).toBe("input_invalid");
    const labels = '{"title":"P","tasks":[{"key":"a","title":"A","labels":{"__proto__":"x"}}]}';
    expect(await refusalOf(`{"name":"submit_plan","arguments":${labels}}`)).toBe("input_invalid");
    const outer = '{"__proto__":{"scope":"project"}}';
    expect(await refusalOf(`{"name":"get_status","arguments":${outer}}`)).toBe("input_invalid");
    const inputs = '{"constructor":{"prototype":{"polluted":1}}}';
    const nested = `{"title":"P","tasks":[{"key":"a","title":"A","inputs":${inputs}}]}`;
    expect(await refusalOf(`{"name":"submit_plan","arguments":${nested}}`)).toBe("input_invalid");
    expect(tasksOf(home)).toEqual([]);
  });

  test("changes no log and no ledger with control characters in names", async () => {
    expect(await refusal(NASTY, {})).toBe("tool_unknown");
    expect(await refusal("register_agent", { name: NASTY })).toBe("input_invalid");
    expect(await refusal("get_status", { [NASTY]: 1 })).toBe("input_invalid");
    expect(await refusal("get_status", { scope: "task", id: "T1\u001B[2J" })).toBe(
      "task_not_found",
    );
    expect(await refusal("get_status", { scope: "plan", id: NASTY })).toBe("plan_not_found");
    expect(await refusal("submit_plan", planOf([{ ...TASK, after: [NASTY] }]))).toBe(
      "input_invalid",
    );
    server.raw.write(`${NASTY}\n`);
    await server.raw.answerTo(null);
    server.raw.send({ jsonrpc: "2.0", method: NASTY });
  });

  test("that is no call gets a protocol error, and the calls after it their answers", async () => {
    server.raw.write("not JSON\n\n[]\n{}\n");
    for (let count = 0; count < 3; count += 1) {
      expect((await server.raw.answerTo(null)).error?.code).toBeLessThan(0);
    }
    server.raw.write(Buffer.from([0xff, 0xfe, 0x80, 0x0a]));
    expect((await server.raw.answerTo(null)).error?.code).toBe(-32_700);
    expect((await server.raw.ask("no/such/method", {})).error?.code).toBe(-32_601);
    // A notification is never answered, nor run.
    const params = { name: "submit_plan", arguments: planOf([TASK]) };
    server.raw.send({ jsonrpc: "2.0", method: "tools/call", params });
    await ok("get_status");
    expect(tasksOf(home)).toEqual([]);
  });
});

function key(name: string, ...after: string[]): object {
  return { key: name, title: name, after };
}

describe("a plan that is wrong", () => {
  test("is refused as a whole: cycles, unknown dependencies, keys twice or like ids", async () => {
    expect(await refusal("submit_plan", planOf([key("a", "a")]))).toBe("dependency_cycle");
    const ring = [key("a", "c"), key("b", "a"), key("c", "b"), key("d")];
    expect(await refusal("submit_plan", planOf(ring))).toBe("dependency_cycle");
    expect(await refusal("submit_plan", planOf([key("a", "missing")]))).toBe("input_invalid");
    expect(await refusal("submit_plan", planOf([key("a", "T99")]))).toBe("input_invalid");
    expect(await refusal("submit_plan", planOf([key("a"), key("a")]))).toBe("input_invalid");
    expect(await refusal("submit_plan", planOf([key("T3")]))).toBe("input_invalid");
    expect(await refusal("submit_plan", { ...planOf([TASK]), plan_id: "P7" })).toBe(
      "plan_not_found",
    );
    const gates = planOf([{ ...TASK, gates: ["missing"] }]);
    expect(await refusal("submit_plan", gates)).toBe("gate_unknown");
    const none = planOf([{ ...TASK, gates: [] }]);
    expect(await refusal("submit_plan", none)).toBe("person_required");
    expect(tasksOf(home)).toEqual([]);
    expect(inDatabase(databaseOf(home), ({ rows }) => rows("select * from plan"))).toEqual([]);
  });

  test("may have 10,000 tasks, and not one more", async () => {
    const tasks = Array.from({ length: 10_001 }, (_, index) => ({
      key: `k${index}`,
      title: "T",
      ...(index % 10 === 0 ? {} : { after: [`k${index - 1}`] }),
    }));
    expect(await refusal("submit_plan", planOf(tasks))).toBe("input_invalid");
    expect(tasksOf(home)).toEqual([]);
    const { tasks: ids } = await ok("submit_plan", planOf(tasks.slice(0, 10_000)));
    expect(Object.keys(ids as Body)).toHaveLength(10_000);
    const states = tasksOf(home).map(({ state }) => state);
    expect(states.filter((state) => state === "ready")).toHaveLength(1000);
    expect(states.filter((state) => state === "pending")).toHaveLength(9000);
    expect(taskOf(await ok("request_task"))).toBe("T1");
  });
});

function as(who: Body): object {
  return { session: who["session"] };
}

describe("a report on a task", () => {
  test("is refused under an old fence, for another's task and for none", async () => {
    await ok("submit_plan", planOf([TASK, { key: "b", title: "B" }]));
    const { session } = await ok("register_agent", { name: "bob" });
    const ada = await ok("register_agent", { name: "ada" });
    const first = fenceOf(await ok("request_task", as(ada)));
    const done = { task_id: "T1", status: "done" };
    expect(await refusal("report_progress", { ...done, session })).toBe("not_holder");
    expect(await refusal("report_progress", { ...done, session, fence: first })).toBe("not_holder");
    await ok("report_progress", { task_id: "T1", status: "released", ...as(ada) });
    expect(await refusal("report_progress", { ...done, ...as(ada) })).toBe("stale_lease");
    const second = fenceOf(await ok("request_task", { task_id: "T1", session }));
    expect(second).toBeGreaterThan(first);
    expect(await refusal("report_progress", { ...done, ...as(ada), fence: first })).toBe(
      "stale_lease",
    );
    expect(await refusal("report_progress", { ...done, ...as(ada), fence: second })).toBe(
      "stale_lease",
    );
    expect(await refusal("report_progress", { ...done, session, fence: first })).toBe(
      "stale_lease",
    );
    expect(await refusal("report_progress", { ...done, task_id: "T99", session })).toBe(
      "task_not_found",
    );
    expect(await refusal("report_progress", { ...done, task_id: "T1'--", session })).toBe(
      "task_not_found",
    );
    expect(await refusal("request_task", { task_id: "T1", ...as(ada) })).toBe("task_not_ready");
    expect(await refusal("request_task")).toBe("session_required");
    expect(tasksOf(home)[0]).toMatchObject({ state: "running", fence: second });
    await ok("report_progress", { ...done, session, fence: second });
    // The last look of these tests is ada's.
    await restart();
  });
});

describe("a request_id", () => {
  test("sent again gets the same answer once more, and nothing happens twice", async () => {
    const plan = { ...planOf([TASK]), request_id: "once" };
    const first = await ok("submit_plan", plan);
    expect(await ok("submit_plan", plan)).toEqual(first);
    expect(tasksOf(home)).toHaveLength(1);
    const claim = await ok("request_task", { request_id: "claim" });
    const report = { task_id: "T1", status: "done", request_id: "done" };
    const done = await ok("report_progress", report);
    expect(await ok("report_progress", report)).toEqual(done);
    expect(await ok("request_task", { request_id: "claim" })).toEqual(claim);
    const replayed = entriesOf(home).filter(({ decision }) => decision === "replayed");
    expect(replayed.map(({ action }) => action)).toEqual([
      "submit_plan",
      "report_progress",
      "request_task",
    ]);
  });

  test("with other arguments, or of another tool, is refused", async () => {
    await ok("submit_plan", { ...planOf([TASK]), request_id: "once" });
    const other = { ...planOf([TASK]), title: "Other", request_id: "once" };
    expect(await refusal("submit_plan", other)).toBe("request_id_reused");
    expect(await refusal("request_task", { request_id: "once" })).toBe("request_id_reused");
    expect(await refusal("submit_plan", { ...other, request_id: "" })).toBe("input_invalid");
    expect(tasksOf(home)).toHaveLength(1);
  });

  test("of a call that was refused, or got nothing, is free for the next try", async () => {
    const request = { request_id: "again" };
    expect(await ok("request_task", request)).toMatchObject({ reason: "nothing_ready" });
    const report = { task_id: "T1", status: "done", request_id: "report" };
    expect(await refusal("report_progress", report)).toBe("task_not_found");
    await ok("submit_plan", planOf([TASK]));
    expect(taskOf(await ok("request_task", request))).toBe("T1");
    expect(await ok("report_progress", report)).toMatchObject({ accepted: true });
  });
});

/** A new connection of the same client; ada is its only agent. */
async function restart(): Promise<void> {
  server.child.stdin.end();
  expect(await server.ended).toBe(0);
  server = startRaw(home);
  await server.raw.initialize();
  await ok("register_agent", { name: "ada" });
}
