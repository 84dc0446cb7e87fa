import { GuvnorError } from "../../src/core/errors.ts";
import type {
  GateRunner,
  GitPort,
  Measurement,
  ProcessIdentity,
  ProcessPort,
} from "../../src/engine/ports.ts";
import { wallClock, type Machine, type Measuring } from "./machine.ts";
import type { Operator } from "./sim-store.ts";

const GIT_FAILS = 0.004;
const FLAKY_GATE = 0.02;
/** From the last look at a task to the move of the branch. */
const LOOK_MS = 200;
const SLOW_GATE = 0.06;

export function createProcesses(machine: Machine, self: ProcessIdentity): ProcessPort {
  return {
    self,
    isGone: (row) => {
      const { host, bootId, pidNamespace } = self;
      if (row.host !== host || row.bootId !== bootId || row.pidNamespace !== pidNamespace) {
        return false;
      }
      return !machine.processes.some(
        ({ identity, state }) =>
          state !== "dead" && identity.pid === row.pid && identity.startTime === row.startTime,
      );
    },
  };
}

/** Git as one process sees it; each command takes its time and now and then fails. */
export function createGit(machine: Machine, process: Operator): GitPort {
  const { repository, random, chronicle } = machine;
  const command = async <T>(run: () => T): Promise<T> =>
    await process.operate("git", async () => {
      if (!machine.isCalm && random.chance(GIT_FAILS)) {
        throw new GuvnorError("git_unavailable", "git could not be run.", "Try again.");
      }
      return run();
    });
  return {
    workingTree: async (directory) =>
      await command(() => ({
        head: repository.heads.get(directory),
        branch: undefined,
        uncommitted: repository.dirty.get(directory) ?? [],
      })),
    resolveCommit: async (revision) =>
      await command(() => {
        if (revision === "HEAD") return repository.heads.get("/main");
        return repository.has(revision) ? revision : undefined;
      }),
    changedFiles: async (base, commit) => await command(() => repository.changed(base, commit)),
    merge: async (ours, theirs, message) =>
      await command(() => {
        const merge = repository.merge(ours, theirs);
        chronicle.count(`merge ${merge.kind}`);
        const task = /^Merge (T[0-9]+):/.exec(message)?.[1] ?? "";
        if (merge.kind !== "conflict") machine.merges.set(merge.commit, { task, theirs });
        return merge;
      }),
    advanceRef: async (ref, commit, expected) =>
      await command(() => {
        if ((repository.refs.get(ref) ?? null) !== expected) {
          chronicle.count("branch moved by another first");
          return false;
        }
        checkAdvance(machine, { commit, from: expected, by: process.id });
        repository.refs.set(ref, commit);
        chronicle.count("branch advanced");
        chronicle.say(process.id, `${ref} advanced to ${commit.slice(0, 10)}`);
        return true;
      }),
    lastChangeMs: async (directory) =>
      await command(() => {
        const atMs = repository.changedAtMs.get(directory);
        return atMs === undefined ? undefined : wallClock(machine, atMs);
      }),
    filesIn: async (commit, paths) =>
      await command(() => paths.filter((path) => repository.filesOf(commit).has(path))),
    readFile: async (commit, path) => await command(() => repository.filesOf(commit).get(path)),
    readRef: async (ref) => await command(() => repository.refs.get(ref)),
  };
}

/** Only what was measured gets on a branch, and after what it was built on. */
function checkAdvance(
  machine: Machine,
  { commit, from, by }: { commit: string; from: string | null; by: string },
): void {
  const { repository, ledger, chronicle, queue } = machine;
  const merge = machine.merges.get(commit);
  const task = ledger.tasks.get(merge?.task ?? "");
  if (merge === undefined || task === undefined) {
    return chronicle.violate("branch_foreign", `${commit.slice(0, 10)} was never merged`);
  }
  const runs = task.reviewRuns.flatMap((id) => ledger.runs.get(id) ?? []);
  const doubtful = new Set(
    runs.filter(({ state }) => state === "indeterminate").map(({ gate }) => gate),
  );
  for (const gate of task.wantedGates) {
    if (machine.measured.get(commit)?.has(gate) === true) continue;
    // It could not be measured, and a person has said that it is good all the same.
    if (task.isAccepted && (doubtful.has(gate) || doubtful.has("merge"))) continue;
    chronicle.violate("branch_unmeasured", `${task.id}: ${commit.slice(0, 10)} without ${gate}`);
  }
  for (const base of task.basedOn) {
    if (!repository.isAncestor(base, commit)) {
      chronicle.violate("merge_order", `${task.id} before ${base.slice(0, 10)}, which it needs`);
    }
  }
  // Between the last look at the task and the ref there is a moment, and a suspension may make it long.
  const resumedAtMs = machine.processes.find(({ id }) => id === by)?.resumedAtMs ?? 0;
  const lookedMs = queue.nowMs - LOOK_MS;
  if (task.state !== "review" && task.movedAtMs < lookedMs && resumedAtMs < lookedMs) {
    chronicle.violate("branch_unwanted", `${task.id} is ${task.state}, and was merged`);
  }
  if (from !== null && !repository.isAncestor(from, commit)) {
    chronicle.violate("branch_rewound", `${task.id}: ${commit.slice(0, 10)} loses ${from}`);
  }
}

/** Where a gate is being measured: the process may die there. */
export interface Measurer extends Operator {
  /** Simulated time that dies with the process. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A measuring has begun and takes so long. */
  measures(durationMs: number): void;
}

export function createGates(machine: Machine, process: Measurer): GateRunner {
  const { random, chronicle, repository } = machine;
  return {
    measure: async ({ runId, gate, commit, slot }, signal) => {
      const measuring: Measuring = { processId: process.id, runId, slot, isKilled: false };
      takeWorkspace(machine, measuring);
      machine.measuring.add(measuring);
      const isSlow = !machine.isCalm && random.chance(SLOW_GATE);
      const durationMs = isSlow ? random.between(20_000, 60_000) : random.between(300, 4000);
      if (isSlow) chronicle.count("gate slow");
      process.measures(durationMs);
      await process.sleep(durationMs, signal);
      machine.measuring.delete(measuring);
      const verdict = measuring.isKilled ? "fail" : judge(machine, commit, signal);
      chronicle.say(process.id, `${runId} ${gate.name} on ${commit?.slice(0, 10)}: ${verdict}`);
      chronicle.count(`gate ${verdict}`);
      const isMerge = machine.merges.has(commit ?? "") && !repository.isGreen(commit ?? "");
      if (isMerge) chronicle.count("merge result red");
      if (verdict === "pass" && commit !== null) {
        const passed = machine.measured.get(commit) ?? new Set<string>();
        machine.measured.set(commit, passed.add(gate.name));
        if (!repository.isGreen(commit)) chronicle.violate("gate_dishonest", commit);
      }
      return {
        verdict,
        summary: `${gate.name} says ${verdict}.`,
        exitCode: verdict === "pass" ? 0 : 1,
        durationMs,
        outputTail: "",
        outputCut: false,
        inPlace: false,
      };
    },
  };
}

function judge(
  machine: Machine,
  commit: string | null,
  signal: AbortSignal,
): Measurement["verdict"] {
  if (signal.aborted || commit === null) return "indeterminate";
  if (!machine.repository.isGreen(commit)) return "fail";
  if (machine.isCalm || !machine.random.chance(FLAKY_GATE)) return "pass";
  return machine.random.chance(0.5) ? "fail" : "indeterminate";
}

/**
 * Two that have their runs never get the same workspace. One that slept while its run was given to
 * another may come too late and take it from somebody: whatever runs there is killed.
 */
function takeWorkspace(machine: Machine, mine: Measuring): void {
  for (const other of machine.measuring) {
    const process = machine.processes.find(({ id }) => id === other.processId);
    if (process === undefined || process.state === "dead" || other.slot !== mine.slot) continue;
    if (other.isKilled) continue;
    other.isKilled = true;
    const { ledger, chronicle } = machine;
    if (!ledger.isRunningAt(other.runId, other.processId)) {
      chronicle.count("left-over measuring killed");
      continue;
    }
    if (!ledger.isRunningAt(mine.runId, mine.processId)) {
      chronicle.count("workspace taken by a late process");
      continue;
    }
    chronicle.violate(
      "workspace_shared",
      `${mine.processId} measures ${mine.runId} in slot ${mine.slot}, where ${other.processId} (${process.state}) measures ${other.runId}`,
    );
  }
}
