import { hostname } from "node:os";

import type { ProcessIdentity, ProcessPort } from "../engine/ports.ts";
import { systemProcessTable } from "./system-process-table.ts";

/** Recognises processes of this machine, to tell for certain that one is gone. */
export function createProcessPort(): ProcessPort {
  const table = systemProcessTable();
  const startTimeOf = (pid: number): string => table.read(pid)?.startTime ?? "";
  const parentPid = process.ppid;
  const self: ProcessIdentity = {
    host: hostname(),
    bootId: table.bootId,
    pidNamespace: table.pidNamespace,
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    parentPid,
    parentStartTime: startTimeOf(parentPid),
  };
  return {
    self,
    isGone: (other) => {
      if (!isComparable(self, other)) return false;
      if (!signalReaches(other.pid)) return true;
      const found = table.read(other.pid);
      // It exists, but the system hides it from us, or it ended between the two looks.
      if (found === undefined) return false;
      return found.startTime !== other.startTime || found.zombie;
    },
  };
}

/** Whether the pid of `other` means anything here. What is empty was unknown, and proves nothing. */
function isComparable(self: ProcessIdentity, other: ProcessIdentity): boolean {
  return (
    Number.isSafeInteger(other.pid) &&
    other.pid > 0 &&
    other.startTime !== "" &&
    [self.bootId, self.pidNamespace, self.startTime].every((known) => known !== "") &&
    self.host === other.host &&
    self.bootId === other.bootId &&
    self.pidNamespace === other.pidNamespace
  );
}

/** False only when the kernel says that there is no such process. */
function signalReaches(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
