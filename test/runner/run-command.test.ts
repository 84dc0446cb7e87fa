import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, it, vi } from "vitest";

import { killMarked, runCommand } from "../../src/runner/run-command.ts";
import type { CommandResult } from "../../src/runner/run-command.ts";
import { temporaryDirectory } from "../git/repository-fixture.ts";
import {
  MIB,
  expectGone,
  isRunning,
  killAtTheEnd,
  pidsIn,
  waitForLines,
} from "./process-fixture.ts";

type CommandRequest = Parameters<typeof runCommand>[0];

let runs = 0;

async function run(
  argv: readonly string[],
  change: Partial<CommandRequest> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<CommandResult> {
  runs += 1;
  const request = {
    argv,
    cwd: "/",
    marker: `test-${process.pid}-${runs}`,
    timeoutMs: 60_000,
    maxMemoryBytes: 4096 * MIB,
    maxOutputBytes: 10 * MIB,
    ...change,
  };
  return await runCommand(request, signal);
}

const sh = (script: string): readonly string[] => ["sh", "-c", script];
const node = (script: string): readonly string[] => [process.execPath, "-e", script];

const ENDED = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  memoryExceeded: false,
  outputExceeded: false,
  aborted: false,
  spawnError: null,
  survivors: [],
  outputCut: false,
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a command that ends by itself", () => {
  it("gives its exit code and both outputs", async () => {
    const result = await run(sh("echo out; echo err >&2; exit 3"));
    expect(result).toMatchObject({ ...ENDED, exitCode: 3 });
    expect(result.outputTail.split("\n").toSorted()).toEqual(["", "err", "out"]);
  });

  it("gives the signal that ended it", async () => {
    expect(await run(sh("kill -SEGV $$"))).toMatchObject({
      ...ENDED,
      exitCode: null,
      signal: "SIGSEGV",
    });
  });

  it("gets its arguments as they are, without a shell", async () => {
    const odd = ["a b", "$HOME", "*", "'", "", "é\n"];
    const result = await run([
      ...node("console.log(JSON.stringify(process.argv.slice(1)))"),
      ...odd,
    ]);
    expect(JSON.parse(result.outputTail)).toEqual(odd);
  });

  it("reads nothing on stdin and has no terminal", async () => {
    const result = await run(sh("cat; test -t 0 || echo none; ps -o tty= -p $$"));
    expect(result.outputTail).toMatch(/^none\n\?+\s*\n$/);
  });

  it("sees a short list of variables only", async () => {
    vi.stubEnv("SECRET_TOKEN", "secret");
    vi.stubEnv("GIT_DIR", "/elsewhere");
    vi.stubEnv("NODE_OPTIONS", "--no-warnings");
    vi.stubEnv("LANG", "de_DE.UTF-8");
    const result = await run(["env"], { env: { EXTRA: "1" }, marker: "G7@x" });
    const lines = result.outputTail.split("\n");
    expect(lines).toEqual(expect.arrayContaining(["CI=true", "EXTRA=1", "LANG=de_DE.UTF-8"]));
    expect(lines).toContain(`PATH=${process.env["PATH"]}`);
    expect(result.outputTail).toMatch(/^GUVNOR_GATE_RUN=(.*,)?G7@x$/m);
    expect(result.outputTail).not.toMatch(/SECRET_TOKEN|GIT_DIR|NODE_OPTIONS|^TERM=/m);
  });

  it("keeps the marker of the run it is itself part of", async () => {
    vi.stubEnv("GUVNOR_GATE_RUN", "outer");
    const result = await run(["env"], { marker: "inner" });
    expect(result.outputTail).toContain("GUVNOR_GATE_RUN=outer,inner\n");
  });

  it("takes a time limit beyond what a timer holds", async () => {
    expect(await run(["true"], { timeoutMs: 2 ** 40 })).toMatchObject(ENDED);
  });
});

describe("a command that cannot be started", () => {
  it("is named when it is missing", async () => {
    const result = await run(["no-such-program"]);
    expect(result.spawnError).toBe("the program no-such-program was not found (ENOENT)");
    expect(result).toMatchObject({ exitCode: null, signal: null, outputTail: "" });
  });

  it("is named when it may not be executed", async () => {
    const path = join(temporaryDirectory(), "script");
    writeFileSync(path, "#!/bin/sh\n");
    chmodSync(path, 0o644);
    expect((await run([path])).spawnError).toMatch(/may not be executed \(EACCES\)/);
  });

  it("is told from a missing directory", async () => {
    const result = await run(["true"], { cwd: "/missing" });
    expect(result.spawnError).toBe("the directory /missing does not exist");
  });

  it.each([[[]], [["tr\0ue"]], [["true", "x".repeat(4 * MIB)]]])(
    "is an answer, not an exception (%#)",
    async (argv) => {
      expect((await run(argv)).spawnError).toMatch(/could not be started/);
    },
  );

  it("is not tried when nobody wants it any more", async () => {
    const path = join(temporaryDirectory(), "trace");
    const result = await run(["touch", path], {}, AbortSignal.abort());
    expect(result).toMatchObject({ aborted: true, exitCode: null, spawnError: null });
    expect(() => pidsIn(path)).toThrow(/ENOENT/);
  });
});

describe("a command that goes too far", () => {
  it("is killed when it hangs, even though it ignores every polite signal", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const script = `trap '' TERM INT HUP; echo $$ > ${pids}; echo begun; while :; do sleep 1; done`;
    const result = await run(sh(script), { timeoutMs: 2000 });
    expect(result).toMatchObject({ ...ENDED, exitCode: null, signal: "SIGKILL", timedOut: true });
    expect(result.outputTail).toBe("begun\n");
    expectGone(pidsIn(pids));
  });

  it("is killed when it writes without end, and what came before is shown", async () => {
    const result = await run(sh("echo first >&2; yes 0123456789"), { maxOutputBytes: MIB });
    expect(result).toMatchObject({ outputExceeded: true, signal: "SIGKILL", outputCut: true });
    expect(result.outputTail.length).toBeGreaterThan(8000);
    expect(Buffer.byteLength(result.outputTail)).toBeLessThanOrEqual(8192);
    expect(result.outputTail).toMatch(/^(\d*\n)+\d*$/);
  });

  it("is killed when its whole tree takes too much memory", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const eater = [
      `require("fs").appendFileSync(${JSON.stringify(pids)}, process.pid + "\\n");`,
      "const kept = []; setInterval(() => kept.push(Buffer.alloc(4 << 20, 1)), 5);",
    ].join("");
    writeFileSync(join(temporaryDirectory(), "unused"), "");
    // The eater is a grandchild in a session of its own.
    const script = `setsid '${process.execPath}' -e '${eater}' & wait`;
    const result = await run(sh(script), { maxMemoryBytes: 300 * MIB });
    expect(result).toMatchObject({ memoryExceeded: true, signal: "SIGKILL", survivors: [] });
    expectGone(pidsIn(pids));
  });

  it("is killed with all it started when the caller gives up", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const abort = new AbortController();
    const script = `echo $$ >> ${pids}; sleep 1000 & echo $! >> ${pids}; wait`;
    const running = run(sh(script), {}, abort.signal);
    await waitForLines(pids, 2);
    abort.abort();
    expect(await running).toMatchObject({ aborted: true, signal: "SIGKILL", timedOut: false });
    expectGone(pidsIn(pids));
  });
});

describe("what a command leaves behind", () => {
  it("is killed when it sits in the background and holds the output open", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const result = await run(sh(`sleep 1000 & echo $! >> ${pids}; echo done`));
    expect(result).toMatchObject({ ...ENDED, outputTail: "done\n" });
    expectGone(pidsIn(pids));
  });

  it.runIf(process.platform === "linux")(
    "is killed when it made itself a daemon in another session",
    async () => {
      const pids = join(temporaryDirectory(), "pids");
      const daemon = `echo $$ >> ${pids}; exec sleep 1000 >/dev/null 2>&1`;
      const twice = `setsid sh -c '${daemon}' & setsid setsid sh -c '${daemon}' &`;
      const script = `(${twice}) ; while [ "$(wc -l < ${pids})" -lt 2 ]; do sleep 0.01; done`;
      writeFileSync(pids, "");
      expect(await run(sh(script))).toMatchObject(ENDED);
      expectGone(pidsIn(pids));
    },
  );

  it.runIf(process.platform === "linux")(
    "is killed when it cleared its environment but stayed in the family",
    async () => {
      const pids = join(temporaryDirectory(), "pids");
      const script = `env -i setsid sh -c 'echo $$ > ${pids}; exec sleep 1000' & wait`;
      const abort = new AbortController();
      const running = run(sh(script), {}, abort.signal);
      await waitForLines(pids, 1);
      abort.abort();
      expect(await running).toMatchObject({ aborted: true, survivors: [] });
      expectGone(pidsIn(pids));
    },
  );

  it("is killed while it multiplies, partly out of the group", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const script = join(temporaryDirectory(), "breed");
    // At most 2^8 of them, should the test fail.
    const lines = [
      "#!/bin/sh",
      `echo $$ >> ${pids}`,
      'test "$1" -gt 0 || exec sleep 1000',
      'sleep 0.02; "$0" $(($1 - 1)) & setsid "$0" $(($1 - 1)) & wait',
    ];
    writeFileSync(script, lines.join("\n"));
    chmodSync(script, 0o755);
    const abort = new AbortController();
    const running = run([script, "8"], {}, abort.signal);
    await waitForLines(pids, 10);
    abort.abort();
    expect(await running).toMatchObject({ survivors: [] });
    expectGone(pidsIn(pids));
  });

  it.runIf(process.platform === "linux")(
    "is killed although it hops from process to process",
    async () => {
      const pids = join(temporaryDirectory(), "pids");
      const script = join(temporaryDirectory(), "hop");
      const lines = [
        "#!/bin/sh",
        `echo $$ >> ${pids}`,
        'test "$1" -gt 0 && setsid "$0" $(($1 - 1)) & exit 0',
      ];
      writeFileSync(script, lines.join("\n"));
      chmodSync(script, 0o755);
      expect(await run([script, "2000"])).toMatchObject(ENDED);
      expect(pidsIn(pids).length).toBeLessThan(2000);
      expectGone(pidsIn(pids));
    },
  );

  it("is killed by its marker when the process that started it was killed", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const module = JSON.stringify(new URL("../../src/runner/run-command.ts", import.meta.url).href);
    const marker = `test-${process.pid}-orphan`;
    const request = {
      argv: sh(`echo $$ >> ${pids}; setsid sleep 1000 & echo $! >> ${pids}; wait`),
      cwd: "/",
      marker,
      timeoutMs: 600_000,
      maxMemoryBytes: 4096 * MIB,
      maxOutputBytes: MIB,
    };
    const script = `(await import(${module})).runCommand(${JSON.stringify(request)}, new AbortController().signal)`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", script]);
    await waitForLines(pids, 2);
    for (const pid of pidsIn(pids)) killAtTheEnd(pid);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    expect(pidsIn(pids).every((pid) => isRunning(pid))).toBe(true);
    await killMarked((found) => found === `${marker}-other`);
    expect(pidsIn(pids).every((pid) => isRunning(pid))).toBe(true);
    await killMarked((found) => found === marker);
    expectGone(pidsIn(pids));
  });

  it("is killed when this process exits without waiting", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const module = JSON.stringify(new URL("../../src/runner/run-command.ts", import.meta.url).href);
    const request = {
      argv: sh(`echo $$ >> ${pids}; exec sleep 1000`),
      cwd: "/",
      marker: `test-${process.pid}-exit`,
      timeoutMs: 600_000,
      maxMemoryBytes: 4096 * MIB,
      maxOutputBytes: MIB,
    };
    const script = `
      const { existsSync, readFileSync } = await import("node:fs");
      const { runCommand } = await import(${module});
      runCommand(${JSON.stringify(request)}, new AbortController().signal);
      const path = ${JSON.stringify(pids)};
      setInterval(() => {
        if (existsSync(path) && readFileSync(path, "utf8").endsWith("\\n")) process.exit(0);
      }, 5);`;
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", script]).status).toBe(0);
    // Nobody waited for it: the signal was sent, and on a busy machine it takes its time to die.
    await vi.waitFor(() => expectGone(pidsIn(pids)), { timeout: 20_000 });
  });

  it("does not concern processes of other runs", async () => {
    const pids = join(temporaryDirectory(), "pids");
    const abort = new AbortController();
    const other = run(sh(`echo $$ > ${pids}; exec sleep 1000`), {}, abort.signal);
    await waitForLines(pids, 1);
    await run(sh("true"));
    expect(pidsIn(pids).every((pid) => isRunning(pid))).toBe(true);
    abort.abort();
    await other;
  });
});
