/** Time that passes only when a test says so. */
export interface VirtualClock {
  /** Ms since 1970. */
  readonly now: () => number;
  /** Ms since the clock was made. */
  readonly monotonic: () => number;
  /** Resolves when that much virtual time has passed, or on abort. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Lets time pass, waking sleepers one after another and letting each run before the next. */
  readonly advance: (ms: number) => Promise<void>;
}

const START_MS = Date.UTC(2026, 0, 1);

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export function createVirtualClock(): VirtualClock {
  let passedMs = 0;
  const sleepers = new Set<Sleeper>();
  const nextSleeper = (untilMs: number): Sleeper | undefined =>
    [...sleepers]
      .filter((sleeper) => sleeper.untilMs <= untilMs)
      .toSorted((a, b) => a.untilMs - b.untilMs)[0];
  return {
    now: () => START_MS + passedMs,
    monotonic: () => passedMs,
    sleep: async (ms, signal) => {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper = { untilMs: passedMs + ms, wake };
        sleepers.add(sleeper);
        signal.addEventListener("abort", wake);
      });
    },
    advance: async (ms) => {
      const untilMs = passedMs + ms;
      await runnable();
      for (;;) {
        const sleeper = nextSleeper(untilMs);
        if (sleeper === undefined) break;
        passedMs = Math.max(passedMs, sleeper.untilMs);
        sleeper.wake();
        await runnable();
      }
      passedMs = untilMs;
    },
  };
}

/** Until nothing is left to run but sleepers: all work over a store in memory is microtasks. */
async function runnable(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
