import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { inDatabase } from "../store/database-file.ts";
import {
  databaseOf,
  fenceOf,
  startAgent,
  startRaw,
  taskOf,
  temporaryDirectory,
  until,
} from "./agent-process.ts";
import { agentsOf, claimsIn, entriesOf, processesOf, tasksOf } from "./ledger.ts";

const ONE_TASK = { title: "Work", tasks: [{ key: "a", title: "A" }] };

describe("agents that share one connection", () => {
  test("say with their session who calls, and each works on its own task", async () => {
    const home = temporaryDirectory();
    const { ok, refusal } = await startAgent("client", { home });
    const tasks = ["a", "b"].map((key) => ({ key, title: key }));
    const first = await ok("register_agent", { name: "first" });
    await ok("submit_plan", { title: "Work", tasks });
    const second = await ok("register_agent", { name: "second" });
    expect(await refusal("request_task")).toBe("session_required");
    expect(await refusal("get_status", { session: "made-up" })).toBe("session_unknown");
    const { session: one } = first;
    const { session: two } = second;
    expect(taskOf(await ok("request_task", { session: one }))).toBe("T1");
    expect(taskOf(await ok("request_task", { session: two }))).toBe("T2");
    const done = { task_id: "T1", status: "done" };
    expect(await refusal("report_progress", { ...done, session: two })).toBe("not_holder");
    await ok("report_progress", { ...done, session: one });
    expect(tasksOf(home)).toMatchObject([{ state: "done" }, { holder: "second" }]);
    expect(entriesOf(home).filter(({ decision }) => decision === "refuse")).toHaveLength(3);
  });
});

describe("a client that starts the server twice", () => {
  test("and throws one away before a call registers only the other", async () => {
    const home = temporaryDirectory();
    const thrown = await startAgent("client", { home });
    const kept = await startAgent("client", { home });
    await thrown.client.listTools();
    await thrown.close();
    expect(existsSync(databaseOf(home))).toBe(false);
    await kept.ok("get_status");
    expect(processesOf(home)).toEqual([{ pid: kept.pid, ended: false }]);
    expect(agentsOf(home)).toEqual(["client"]);
  });

  test("to find out the protocol's version registers once", async () => {
    const home = temporaryDirectory();
    const { ok, pid } = await startAgent("client", { home, mode: "auto" });
    await ok("get_status");
    expect(processesOf(home)).toEqual([{ pid, ended: false }]);
    expect(agentsOf(home)).toEqual(["client"]);
  });
});

describe("a client that goes away", () => {
  test("while it waits for work claims nothing: the task is there for others", async () => {
    const home = temporaryDirectory();
    const lead = await startAgent("lead", { home });
    await lead.ok("get_status");
    const waiting = await startAgent("waiting", { home });
    await waiting.ok("get_status");
    const answer = waiting.call("request_task", { wait_seconds: 30 }).catch(() => "gone");
    await waiting.close();
    expect(await answer).toBe("gone");
    await lead.ok("submit_plan", ONE_TASK);
    expect(taskOf(await lead.ok("request_task"))).toBe("T1");
    await until("the server has ended", () => processesOf(home).some(({ ended }) => ended));
    expect(claimsIn(entriesOf(home))).toEqual(["T1/1"]);
  });

  test("and is not there to be told of its claim has it taken back, uncounted", async () => {
    const home = temporaryDirectory();
    const lead = await startAgent("lead", { home });
    await lead.ok("get_status");
    const { raw, child, ended } = startRaw(home);
    await raw.initialize();
    await raw.call("get_status", {});
    raw.request("tools/call", { name: "request_task", arguments: { wait_seconds: 30 } });
    // Its answers have nowhere to go from here on, which only shows when one is written.
    child.stdout.destroy();
    await lead.ok("submit_plan", ONE_TASK);
    expect(await ended).toBe(0);
    expect(tasksOf(home)).toMatchObject([{ state: "ready", holder: null, fence: 1 }]);
    expect(entriesOf(home)).toContainEqual(
      expect.objectContaining({ action: "take_back", target: "T1" }),
    );
    const [counted] = inDatabase(databaseOf(home), ({ rows }) =>
      rows("select lost_leases, failures, outcome from task join attempt on task_id = task.id"),
    );
    expect(counted).toEqual({ lost_leases: 0, failures: 0, outcome: "undelivered" });
    expect(taskOf(await lead.ok("request_task"))).toBe("T1");
  });

  test("right after it said done leaves its work to be measured by another process", async () => {
    const home = temporaryDirectory();
    const config = join(temporaryDirectory(), "guvnor.yaml");
    writeFileSync(config, "version: 1\ngates: { tests: { run: ['true'] } }\n");
    const env = { GUVNOR_CONFIG: config, GUVNOR_GATE_WORKERS: "0" };
    const worker = await startAgent("worker", { home, env });
    await worker.ok("submit_plan", ONE_TASK);
    await worker.ok("request_task");
    const done = await worker.ok("report_progress", { task_id: "T1", status: "done" });
    expect(done).toMatchObject({ task: { state: "review" } });
    worker.signal("SIGKILL");
    // Nobody is left: the gate waits.
    expect(tasksOf(home)).toMatchObject([{ state: "review", holder: "worker" }]);
    const other = await startAgent("other", { home, env: { GUVNOR_CONFIG: config } });
    await other.ok("get_status");
    await until("the task is done", () => tasksOf(home)[0]?.state === "done");
    const finished = entriesOf(home).at(-1);
    expect(finished).toMatchObject({ actor: "guvnor", action: "gate_end", target: "T1" });
  });
});

describe("an agent's process that is killed -9", () => {
  test("loses its task to whoever asks next, without waiting for its beats", async () => {
    const home = temporaryDirectory();
    const killed = await startAgent("killed", { home });
    await killed.ok("submit_plan", ONE_TASK);
    const lease = await killed.ok("request_task");
    const other = await startAgent("other", { home });
    expect(taskOf(await other.ok("request_task"))).toBeUndefined();
    killed.signal("SIGKILL");
    const taken = await other.ok("request_task", { wait_seconds: 30 });
    expect(taskOf(taken)).toBe("T1");
    expect(fenceOf(taken)).toBeGreaterThan(fenceOf(lease));
    const presence = entriesOf(home).flatMap(({ effects }) => effects);
    expect(presence).toContainEqual(
      expect.objectContaining({ type: "process", pid: killed.pid, event: "gone" }),
    );
    expect(presence).not.toContainEqual(expect.objectContaining({ event: "silent" }));
  });

  test("comes back under its name and gets the same task under a new lease", async () => {
    const home = temporaryDirectory();
    const killed = await startAgent("ada", { home });
    await killed.ok("submit_plan", ONE_TASK);
    const { session } = await killed.ok("register_agent", { name: "ada" });
    await killed.ok("request_task");
    killed.signal("SIGKILL");
    const again = await startAgent("ada", { home });
    expect(await again.ok("register_agent", { session })).toMatchObject({ agent: "ada" });
    const brief = await again.ok("request_task");
    expect(taskOf(brief)).toBe("T1");
    const done = { task_id: "T1", status: "done", fence: fenceOf(brief) };
    await again.ok("report_progress", done);
    expect(agentsOf(home)).toEqual(["ada"]);
    expect(tasksOf(home)).toMatchObject([{ state: "done" }]);
  });

  test("in the middle of a measuring leaves the run to another process", async () => {
    const home = temporaryDirectory();
    const config = join(temporaryDirectory(), "guvnor.yaml");
    const mark = join(temporaryDirectory(), "measured");
    // The first run of the gate stays until its process is killed; the next one passes.
    const script = `if [ -e '${mark}' ]; then exit 0; fi; echo $$ > '${mark}'; exec sleep 30`;
    const gate = JSON.stringify({ tests: { run: ["sh", "-c", script] } });
    writeFileSync(config, `version: 1\ngates: ${gate}\n`);
    const env = { GUVNOR_CONFIG: config };
    const measuring = await startAgent("measuring", { home, env });
    await measuring.ok("submit_plan", ONE_TASK);
    await measuring.ok("request_task");
    await measuring.ok("report_progress", { task_id: "T1", status: "done" });
    await until("the gate is being measured", () => existsSync(mark));
    measuring.signal("SIGKILL");
    const other = await startAgent("other", { home, env });
    await other.ok("get_status");
    await until("the task is done", () => tasksOf(home)[0]?.state === "done");
    process.kill(Number(readFileSync(mark, "utf8")), "SIGKILL");
    const runs = entriesOf(home).flatMap(({ effects }) =>
      effects.filter(({ type }) => type === "gate_run").map(({ to }) => to),
    );
    expect(runs).toEqual(["queued", "running", "queued", "running", "pass"]);
  });
});
