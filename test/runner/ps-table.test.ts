import { execFileSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { createPsTable } from "../../src/runner/ps-table.ts";
import { systemProcessTable } from "../../src/runner/system-process-table.ts";

const LIST = `    1     0     1  13120 Ss   Sat Nov 21 01:33:01 2026
  501     1   501   2048 S+   Sat Nov 21 01:34:02 2026
  502   501   501      0 Z    Sat Nov 21 01:34:03 2026
garbage
`;
const COMMANDS = `    1 /sbin/launchd
  501 node gate.js HOME=/Users/ada GUVNOR_GATE_RUN=G7@x CI=true
`;

describe("the process table of macOS", () => {
  const asked: string[] = [];
  const table = createPsTable((program, args) => {
    asked.push([program, ...args].join(" "));
    if (program === "sysctl") return "5BE86E60-4E32-474D-8FCA-398C6B850967\n";
    if (args[0] === "-axEww") return COMMANDS;
    return args.includes("999") ? "" : LIST;
  });

  it("reads what ps prints", () => {
    const [first, second, third] = table.list();
    expect(first).toMatchObject({ pid: 1, parentPid: 0, group: 1, session: 0, zombie: false });
    expect(second).toMatchObject({ pid: 501, startTime: "Sat Nov 21 01:34:02 2026" });
    expect(third).toMatchObject({ pid: 502, parentPid: 501, zombie: true });
    expect(second && table.residentBytes(second)).toBe(2048 * 1024);
    expect(table.bootId).toBe("5BE86E60-4E32-474D-8FCA-398C6B850967");
  });

  it("asks for environments once a list", () => {
    asked.length = 0;
    const [launchd, gate, zombie] = table.list();
    const found = [launchd, gate, zombie].map(
      (entry) => entry && table.environmentValue(entry, "GUVNOR_GATE_RUN"),
    );
    expect(found).toEqual([undefined, "G7@x", undefined]);
    expect(asked).toHaveLength(2);
  });

  it("knows nothing of a process that is not there", () => {
    expect(table.read(999)).toBeUndefined();
    const unknown = { pid: 9, parentPid: 1, group: 9, session: 0, zombie: false, startTime: "x" };
    expect(table.residentBytes(unknown)).toBe(0);
  });

  it("agrees with this machine's table where both work", () => {
    const fromPs = systemProcessTable("darwin");
    const own = fromPs.read(process.pid);
    expect(own).toMatchObject({ pid: process.pid, parentPid: process.ppid, zombie: false });
    expect(own?.startTime).toMatch(/^\w{3} \w{3} +\d+ [\d:]{8} \d{4}$/);
    expect(own && fromPs.residentBytes(own)).toBeGreaterThan(1024 * 1024);
    expect(Array.from(fromPs.list(), ({ pid }) => pid)).toContain(process.pid);
    expect(() => execFileSync("ps", ["-p", "999999999"], { stdio: "ignore" })).toThrow(/ps/);
    expect(fromPs.read(999_999_999)).toBeUndefined();
  });
});
