import type { ProcessRow } from "../core/agent.ts";
import { BEAT_MS, observe, type Observation } from "../core/presence.ts";
import type { EngineDeps } from "./deps.ts";
import { endGoneProcesses } from "./end-gone-processes.ts";
import { endProcess } from "./presence.ts";
import { settleRules } from "./rules/due.ts";
import { attendIssuer, endLogins } from "./rules/logins.ts";
import { refreshSettings } from "./rules/refresh-settings.ts";
import { isAnythingDue, settleDue } from "./settle-due.ts";
import { settleEscalations } from "./settle-escalations.ts";
import { systemAct } from "./system-act.ts";

/** How often it looks for what is due of the rules. */
const RULES_MS = 5000;
/** How often this process asks whether the others are still there on this machine. */
const LIVENESS_MS = 2000;
const CHECKPOINT_MS = 30_000;
/** How often the issuer is asked whether what it gave still stands. */
const ISSUER_MS = 5000;

/**
 * What a process does beside its calls. It writes only where something must change, so sixty-four
 * idle processes do not fight for the file. app.ts repeats each by itself.
 */
export interface ProcessLoop {
  /** Beats for its agents and watches the others' beats. Nothing but the store is waited for. */
  tick(): Promise<void>;
  /**
   * Settles what is due of the rules. It asks git, which may take its time: a beat must never wait for
   * that, or others would take this process for gone.
   */
  settle(): Promise<void>;
  /** Renews what vouches for its agents. It asks the network, and nothing else waits for that. */
  attend(signal: AbortSignal): Promise<void>;
  /** Ends this process in the store: its agents are offline, their running tasks ready. */
  end(): Promise<void>;
}

export function createProcessLoop(deps: EngineDeps): ProcessLoop {
  let observations: ReadonlyMap<string, Observation> = new Map();
  let lastTickMs = deps.monotonic();
  let lastBeatMs = -Infinity;
  let lastLivenessMs = lastTickMs;
  let isServing = false;
  const rounds = createRounds(deps);
  let lastAttendMs = lastTickMs;

  const beat = async (nowMs: number): Promise<boolean> => {
    if (nowMs - lastBeatMs < BEAT_MS) return true;
    const beaten = await beatOnce(deps);
    if (beaten) lastBeatMs = nowMs;
    return beaten;
  };

  const judge = async (elapsedMs: number): Promise<void> => {
    const { beats, due } = await deps.store.read(deps.scope, async (tx) => ({
      beats: await tx.processes.listPresent(),
      due: await isAnythingDue(tx, deps.now()),
    }));
    const seen = observe(observations, beats, deps.processId, elapsedMs);
    observations = seen.observations;
    if (seen.silent.length > 0) await endSilent(deps, seen);
    if (due) await systemAct(deps, "settle_due", settleDue);
  };

  const liveness = async (nowMs: number): Promise<void> => {
    if (nowMs - lastLivenessMs < LIVENESS_MS) return;
    lastLivenessMs = nowMs;
    const present = await deps.store.read(
      deps.scope,
      async (tx) => await tx.processes.listPresent(),
    );
    if (isNextGone(deps, present)) await systemAct(deps, "presence", endGoneProcesses);
  };

  return {
    tick: async () => {
      const nowMs = deps.monotonic();
      const elapsedMs = nowMs - lastTickMs;
      lastTickMs = nowMs;
      // A process that serves nobody yet judges nobody.
      isServing = await beat(nowMs);
      if (!isServing) {
        observations = new Map();
        return;
      }
      await judge(elapsedMs);
      await liveness(nowMs);
    },
    settle: async () => {
      if (isServing) await rounds(deps.monotonic());
    },
    attend: async (signal) => {
      const nowMs = deps.monotonic();
      if (nowMs - lastAttendMs < ISSUER_MS) return;
      lastAttendMs = nowMs;
      await attendIssuer(deps, signal);
    },
    end: async () => {
      try {
        await endInStore(deps);
      } finally {
        await endLogins(deps);
      }
    },
  };
}

async function endInStore(deps: EngineDeps): Promise<void> {
  const known = await deps.store.read(
    deps.scope,
    async (tx) => await tx.processes.get(deps.processId),
  );
  // It served nobody: there is nothing to end, and no lock to wait for.
  if (known === undefined || known.endedAtMs !== null) return;
  await systemAct(deps, "presence", async (ctx) => {
    const process = await ctx.tx.processes.get(deps.processId);
    if (process === undefined || process.endedAtMs !== null) return;
    await endProcess(ctx, process, "closed");
  });
}

/** What is settled, each at its own pace. */
function createRounds(deps: EngineDeps): (nowMs: number) => Promise<void> {
  const sinceMs = deps.monotonic();
  const rounds = [
    every(RULES_MS, sinceMs, async () => await settleRules(deps)),
    every(RULES_MS, sinceMs, async () => await settleEscalations(deps)),
    every(deps.settings.refreshMs, sinceMs, async () => await refreshSettings(deps)),
    every(CHECKPOINT_MS, sinceMs, async () => await deps.store.checkpoint()),
  ];
  return async (nowMs) => {
    for (const round of rounds) await round(nowMs);
  };
}

/** Does it when it is due, the first time one whole interval after `sinceMs`. */
function every(
  intervalMs: number,
  sinceMs: number,
  work: () => Promise<void>,
): (nowMs: number) => Promise<void> {
  let lastMs = sinceMs;
  return async (nowMs) => {
    if (nowMs - lastMs < intervalMs) return;
    lastMs = nowMs;
    await work();
  };
}

/**
 * Each process looks after the next one of its machine, in a ring: of several that are gone in a row
 * the first has a living one before it, which then ends them all. If each looked at all, it would be
 * n² looks a round: with 64 processes a tenth of all that they did.
 */
function isNextGone(deps: EngineDeps, present: readonly ProcessRow[]): boolean {
  const { processId, processes } = deps;
  const others = present.filter(({ id, host }) => id !== processId && host === processes.self.host);
  const next = others.find(({ id }) => id > processId) ?? others[0];
  return next !== undefined && processes.isGone(next);
}

/** False where nothing was called yet, or others took this process for gone: the next call starts it (again). */
async function beatOnce(deps: EngineDeps): Promise<boolean> {
  return await deps.store.write(deps.scope, async (tx) => {
    const known = await tx.processes.get(deps.processId);
    if (known === undefined || known.endedAtMs !== null) return false;
    await tx.processes.beat(deps.processId, deps.now());
    return true;
  });
}

/** Under the transaction the beat is compared again: it may have come just now. */
async function endSilent(
  deps: EngineDeps,
  seen: { observations: ReadonlyMap<string, Observation>; silent: readonly string[] },
): Promise<void> {
  await systemAct(deps, "presence", async (ctx) => {
    for (const id of seen.silent) {
      const process = await ctx.tx.processes.get(id);
      if (process === undefined || process.endedAtMs !== null) continue;
      if (process.beat === seen.observations.get(id)?.beat)
        await endProcess(ctx, process, "silent");
    }
  });
}
