import { readFileSync, readdirSync, readlinkSync } from "node:fs";

import type { ProcessEntry, ProcessTable } from "./process-table.ts";

/** Linux: everything comes from /proc. */
export function createProcTable(): ProcessTable {
  return {
    bootId: readOr("/proc/sys/kernel/random/boot_id").trim(),
    pidNamespace: readNamespace(),
    list: listEntries,
    read: readEntry,
    residentBytes: ({ pid }) => {
      const [, kilobytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readOr(`/proc/${pid}/status`)) ?? [];
      return Number(kilobytes) * 1024;
    },
    environmentValue: ({ pid }, name) => {
      const found = readOr(`/proc/${pid}/environ`)
        .split("\0")
        .find((variable) => variable.startsWith(`${name}=`));
      return found?.slice(name.length + 1);
    },
  };
}

function* listEntries(): Generator<ProcessEntry> {
  const pids = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  // The youngest first: what forks and ends at once must be met before it has moved on.
  for (const pid of pids.toSorted((left, right) => right - left)) {
    const entry = readEntry(pid);
    if (entry !== undefined) yield entry;
  }
}

function readEntry(pid: number): ProcessEntry | undefined {
  const stat = readOr(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may itself hold ") ".
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parentPid, group, session] = fields;
  const startTime = fields[19];
  if (startTime === undefined) return undefined;
  // A leader that ended before its other threads looks like a zombie while the process still runs.
  const otherThreads = Number(fields[17]) > 1;
  return {
    pid,
    parentPid: Number(parentPid),
    group: Number(group),
    session: Number(session),
    zombie: "ZXx".includes(state) && !otherThreads,
    startTime,
  };
}

/** Empty for what is gone, or what is another user's. */
function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function readNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
