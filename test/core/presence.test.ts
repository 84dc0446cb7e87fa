import fc from "fast-check";
import { expect, test } from "vitest";

import { observe, PRESENCE_MS, TICK_MS, type Observation } from "../../src/core/presence.ts";

type Known = ReadonlyMap<string, Observation>;

/** Runs ticks; `beats` says what each process shows at each of them. */
function watch(
  rounds: readonly { elapsedMs: number; beats: Record<string, number> }[],
): string[][] {
  let known: Known = new Map();
  return rounds.map(({ elapsedMs, beats }) => {
    const rows = Object.entries(beats).map(([id, beat]) => ({ id, beat }));
    const seen = observe(known, rows, "me", elapsedMs);
    known = seen.observations;
    return [...seen.silent];
  });
}

test("a process is silent after a full window without a new beat, not before", () => {
  const rounds = Array.from({ length: 17 }, (_, index) => ({
    elapsedMs: TICK_MS,
    beats: { me: index, other: 1 },
  }));
  const silent = watch(rounds);
  expect(silent.slice(0, PRESENCE_MS / TICK_MS).flat()).toEqual([]);
  expect(silent[PRESENCE_MS / TICK_MS]).toEqual(["other"]);
});

test("whoever beats is never silent, whatever the gaps between looks", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 10_000_000 }), { maxLength: 60 }), (gaps) => {
      const rounds = gaps.map((elapsedMs, index) => ({
        elapsedMs,
        beats: { me: index, other: Math.floor(index / 4) },
      }));
      expect(watch(rounds).flat()).toEqual([]);
    }),
  );
});

test("an observer that was suspended judges nobody until it has watched a full window again", () => {
  const suspended = [
    { elapsedMs: TICK_MS, beats: { me: 1, other: 1 } },
    { elapsedMs: 3_600_000, beats: { me: 1, other: 1 } },
    { elapsedMs: TICK_MS, beats: { me: 2, other: 1 } },
  ];
  expect(watch(suspended).flat()).toEqual([]);
});

test("an observer that cannot write its own beat judges nobody", () => {
  const rounds = Array.from({ length: 60 }, () => ({
    elapsedMs: TICK_MS,
    beats: { me: 1, other: 1 },
  }));
  expect(watch(rounds).flat()).toEqual([]);
});

test("time that runs backwards counts as no time", () => {
  const rounds = Array.from({ length: 40 }, (_, index) => ({
    elapsedMs: -5000,
    beats: { me: index, other: 1 },
  }));
  expect(watch(rounds).flat()).toEqual([]);
});

test("an observer that is not registered itself judges nobody", () => {
  const rounds = Array.from({ length: 40 }, () => ({ elapsedMs: TICK_MS, beats: { other: 1 } }));
  expect(watch(rounds).flat()).toEqual([]);
});
