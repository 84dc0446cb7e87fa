import { setTimeout as delay } from "node:timers/promises";

import type { ProcessEntry, ProcessTable } from "./process-table.ts";

/** Set in every process of a run: "OUTER,INNER" when a run is started from within another one. */
export const RUN_VARIABLE = "GUVNOR_GATE_RUN";

/** A process that cannot be killed (waiting for a dead disk, another user's) must not hang us. */
const KILL_BOUND_MS = 30_000;
const LONGEST_PAUSE_MS = 20;
/** A process can fork and end while the table is read: seen once as empty is not yet gone. */
const EMPTY_LOOKS = 3;

export interface ProcessTree {
  /** Looks once at what runs: remembers it, and answers its resident bytes. */
  measure(): number;
  /**
   * Kills until nothing is left; answers the pids that could not be killed in time. The first
   * round is over when this returns its promise.
   */
  kill(): Promise<readonly number[]>;
}

/**
 * The processes of one run: descendants of `rootPid`, its group and session, whatever was one of
 * them when we looked, and whatever carries a marker in its environment. What escapes: a process
 * that leaves the group, loses its parent *and* clears its environment between two looks.
 */
export function createProcessTree(
  table: ProcessTable,
  rootPid: number | undefined,
  isMarked: (marker: string) => boolean,
): ProcessTree {
  const known = new Set<string>();
  const unmarked = new Set<string>();

  const belongs = (entry: ProcessEntry, lookAgain: boolean): boolean => {
    const key = `${entry.pid}:${entry.startTime}`;
    if (known.has(key)) return true;
    if (rootPid !== undefined && (entry.group === rootPid || entry.session === rootPid)) {
      return true;
    }
    // Environments change at exec only, so that it is enough to look again at the end.
    if (unmarked.has(key) && !lookAgain) return false;
    const markers = table.environmentValue(entry, RUN_VARIABLE)?.split(",") ?? [];
    if (markers.some((marker) => isMarked(marker))) return true;
    unmarked.add(key);
    return false;
  };

  const look = (onFound?: (pid: number) => void): readonly ProcessEntry[] => {
    const running: ProcessEntry[] = [];
    const marked: ProcessEntry[] = [];
    for (const entry of table.list()) {
      if (entry.zombie || entry.pid === process.pid) continue;
      running.push(entry);
      if (!belongs(entry, onFound !== undefined)) continue;
      marked.push(entry);
      onFound?.(entry.pid);
    }
    const found = withDescendants(running, marked);
    for (const { pid, startTime } of found) known.add(`${pid}:${startTime}`);
    return found;
  };

  return {
    measure: () => look().reduce((sum, entry) => sum + table.residentBytes(entry), 0),
    kill: async () => {
      const untilMs = performance.now() + KILL_BOUND_MS;
      let emptyInARow = 0;
      for (let round = 0; ; round += 1) {
        // Stopped where it is found: what stands still cannot start others or lose its parent.
        const left = look((pid) => sendSignal(pid, "SIGSTOP"));
        for (const { pid } of left) sendSignal(pid, "SIGKILL");
        emptyInARow = left.length === 0 ? emptyInARow + 1 : 0;
        if (emptyInARow === EMPTY_LOOKS) return [];
        if (performance.now() > untilMs) return left.map(({ pid }) => pid);
        await delay(Math.min(round, LONGEST_PAUSE_MS));
      }
    },
  };
}

/** To one process, or to a whole group when negative; one that is gone already is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone meanwhile, or not ours to kill: the next look at the table tells.
  }
}

function withDescendants(
  running: readonly ProcessEntry[],
  roots: readonly ProcessEntry[],
): readonly ProcessEntry[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of running) {
    const siblings = children.get(entry.parentPid);
    if (siblings === undefined) children.set(entry.parentPid, [entry]);
    else siblings.push(entry);
  }
  const found = new Map(roots.map((entry) => [entry.pid, entry]));
  // A map is walked in order of insertion, what is added on the way included.
  for (const { pid } of found.values()) {
    for (const child of children.get(pid) ?? []) found.set(child.pid, child);
  }
  return [...found.values()];
}
