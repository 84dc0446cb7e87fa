import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  decideLimit,
  NO_EPISODES,
  type Limit,
  type LimitState,
  type LimitVerdict,
} from "../../src/core/limit-decision.ts";
import { addToWindow, alignWindow, type RateWindow } from "../../src/core/rate-window.ts";

const START_MS = 1_795_000_000_000;
const MINUTE_MS = 60_000;

const CALLS: Limit = {
  id: "calls",
  of: "agent",
  metric: "calls",
  max: 100,
  perMs: MINUTE_MS,
  consequence: "throttle",
  repeat: { times: 3, withinMs: 600_000, consequence: "revoke" },
};

const PARALLEL: Limit = {
  id: "parallel",
  of: "agent",
  metric: "running_tasks",
  max: 3,
  perMs: null,
  consequence: "deny",
};

/** One subject of one limit, whose allowed calls are counted. */
class Subject {
  readonly #limit: Limit;
  #window: RateWindow | undefined;
  #state: LimitState = NO_EPISODES;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  get state(): LimitState {
    return this.#state;
  }

  call(nowMs: number): LimitVerdict {
    this.#window = alignWindow(this.#window, { nowMs, windowMs: this.#limit.perMs ?? 1 });
    const measured = { window: this.#window };
    const decided = decideLimit(this.#limit, this.#state, { measured, amount: 1, nowMs });
    this.#state = decided.state;
    if (decided.verdict.allowed && this.#limit.perMs !== null) {
      this.#window = addToWindow(this.#window, { nowMs, windowMs: this.#limit.perMs });
    }
    return decided.verdict;
  }
}

/** Calls at these pauses after one another. */
const pauses = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 200 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 90_000 }) },
  ),
  { minLength: 1, maxLength: 200, size: "max" },
);

describe("a limit of 100 calls a minute", () => {
  test("passes the 100th call of a minute and not the 101st", () => {
    const withinMinute = fc
      .array(fc.integer({ min: 0, max: MINUTE_MS - 1 }), {
        minLength: 101,
        maxLength: 101,
        size: "max",
      })
      .map((times) => times.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(withinMinute, (times) => {
        const subject = new Subject(CALLS);
        const allowed = times.map((ms) => subject.call(START_MS + ms).allowed);
        expect(allowed.slice(0, 100)).not.toContain(false);
        expect(allowed[100]).toBe(false);
      }),
    );
  });

  test("never lets more than that pass in any minute", () => {
    const limit = { ...CALLS, max: 10 };
    fc.assert(
      fc.property(pauses, (all) => {
        const subject = new Subject(limit);
        let nowMs = START_MS;
        const passed: number[] = [];
        for (const pause of all) {
          nowMs += pause;
          if (subject.call(nowMs).allowed) passed.push(nowMs);
          const lastMinute = passed.filter((ms) => ms > nowMs - MINUTE_MS);
          expect(lastMinute.length).toBeLessThanOrEqual(10);
        }
      }),
    );
  });

  test("lets one pass after exactly the time it named", () => {
    fc.assert(
      fc.property(pauses, (all) => {
        const subject = new Subject({ ...CALLS, max: 10 });
        let nowMs = START_MS;
        for (const pause of all) {
          nowMs += pause;
          const verdict = subject.call(nowMs);
          if (verdict.allowed) continue;
          nowMs += verdict.retryAfterMs ?? 0;
          expect(subject.call(nowMs).allowed).toBe(true);
        }
      }),
    );
  });
});

describe("episodes", () => {
  test("the first refusal begins one, and they are at least a window apart", () => {
    fc.assert(
      fc.property(pauses, (all) => {
        const subject = new Subject({ ...CALLS, max: 5 });
        let nowMs = START_MS;
        const starts: number[] = [];
        for (const pause of all) {
          nowMs += pause;
          const verdict = subject.call(nowMs);
          if (verdict.allowed) continue;
          if (starts.length === 0) expect(verdict.episodeStarts).toBe(true);
          if (verdict.episodeStarts) {
            expect(nowMs - (starts.at(-1) ?? -Infinity)).toBeGreaterThanOrEqual(MINUTE_MS);
            starts.push(nowMs);
          }
        }
      }),
    );
  });

  test("one that goes on counts again after each window, and the third is revoked", () => {
    const subject = new Subject(CALLS);
    let revokedMs: number | undefined;
    for (let ms = 0; ms < 4 * MINUTE_MS && revokedMs === undefined; ms += 100) {
      const verdict = subject.call(START_MS + ms);
      if (!verdict.allowed && verdict.consequence === "revoke") revokedMs = ms;
    }
    // The 101st call comes after 10 s; what leaves the window lets calls pass for up to 10 s more each time.
    expect(revokedMs).toBeGreaterThanOrEqual(10_000 + 2 * MINUTE_MS);
    expect(revokedMs).toBeLessThanOrEqual(30_000 + 2 * MINUTE_MS);
  });

  test("three apart from one another within ten minutes are revoked, over more time they are not", () => {
    const burst = (subject: Subject, atMs: number): LimitVerdict => {
      for (let call = 0; call < 100; call += 1) subject.call(START_MS + atMs);
      return subject.call(START_MS + atMs);
    };
    const near = new Subject(CALLS);
    expect([0, 2, 4].map((minute) => burst(near, minute * MINUTE_MS))).toMatchObject([
      { consequence: "throttle", episodeStarts: true },
      { consequence: "throttle", episodeStarts: true },
      { consequence: "revoke", episodeStarts: true },
    ]);
    const far = new Subject(CALLS);
    const minutes = [0, 5, 10, 15, 20];
    const verdicts = minutes.map((minute) => burst(far, minute * MINUTE_MS));
    expect(verdicts).toMatchObject(
      minutes.map(() => ({ consequence: "throttle", episodeStarts: true })),
    );
  });

  test("whoever waits as long as it was told is not taken to begin one at each slot", () => {
    const subject = new Subject(CALLS);
    let nowMs = START_MS;
    let starts = 0;
    while (nowMs < START_MS + MINUTE_MS) {
      const verdict = subject.call(nowMs);
      if (!verdict.allowed && verdict.episodeStarts) starts += 1;
      nowMs += verdict.allowed ? 50 : (verdict.retryAfterMs ?? 0);
    }
    expect(starts).toBe(1);
  });

  test("the harder consequence needs so many windows, however fast the calls are", () => {
    fc.assert(
      fc.property(pauses, fc.integer({ min: 1, max: 4 }), (all, times) => {
        const repeat = { times, withinMs: 600_000, consequence: "revoke" } as const;
        const subject = new Subject({ ...CALLS, max: 3, repeat });
        let nowMs = START_MS;
        for (const pause of all) {
          nowMs += pause;
          const verdict = subject.call(nowMs);
          if (verdict.allowed) continue;
          const isHard = verdict.consequence === "revoke";
          const windowsMs = nowMs - START_MS;
          expect(isHard && windowsMs < (times - 1) * MINUTE_MS).toBe(false);
          expect(isHard || times > 1).toBe(true);
        }
      }),
    );
  });

  test("the state stays tiny plain JSON, and the same object while nothing is refused", () => {
    fc.assert(
      fc.property(pauses, (all) => {
        const subject = new Subject({ ...CALLS, max: 5 });
        let nowMs = START_MS;
        for (const pause of all) {
          nowMs += pause;
          const before = subject.state;
          if (subject.call(nowMs).allowed) expect(subject.state).toBe(before);
          expect(subject.state.countedMs.length).toBeLessThanOrEqual(3);
        }
        expect(JSON.parse(JSON.stringify(subject.state))).toEqual(subject.state);
      }),
    );
  });

  test("a clock that steps back for long does not end in a consequence for ever", () => {
    const subject = new Subject({ ...CALLS, max: 1 });
    for (const minute of [0, 2, 4]) {
      subject.call(START_MS + minute * MINUTE_MS);
      subject.call(START_MS + minute * MINUTE_MS);
    }
    const backMs = START_MS - 86_400_000;
    expect(subject.call(backMs)).toMatchObject({ consequence: "revoke" });
    subject.call(backMs + 900_000);
    expect(subject.call(backMs + 900_000)).toMatchObject({
      consequence: "throttle",
      episodeStarts: true,
    });
  });
});

function readGauge(state: LimitState, gauge: number, amount = 1): ReturnType<typeof decideLimit> {
  return decideLimit(PARALLEL, state, { measured: { gauge }, amount, nowMs: START_MS });
}

describe("a gauge", () => {
  test("may be reached and not passed, and no time helps", () => {
    fc.assert(
      fc.property(fc.nat(10), fc.nat(3), (gauge, amount) => {
        const { verdict } = readGauge(NO_EPISODES, gauge, amount);
        expect(verdict.allowed).toBe(gauge + amount <= 3);
        if (!verdict.allowed) expect(verdict.retryAfterMs).toBeNull();
      }),
    );
  });

  test("has one episode until there is room again", () => {
    const first = readGauge(NO_EPISODES, 3);
    const second = readGauge(first.state, 3);
    const room = readGauge(second.state, 2);
    const third = readGauge(room.state, 3);
    expect([first, second, room, third].map(({ verdict }) => verdict)).toMatchObject([
      { allowed: false, consequence: "deny", episodeStarts: true },
      { allowed: false, consequence: "deny", episodeStarts: false },
      { allowed: true },
      { allowed: false, consequence: "deny", episodeStarts: true },
    ]);
  });
});

test("what is counted after the fact exceeds a limit only past it", () => {
  const errors: Limit = { ...CALLS, id: "errors", max: 5, consequence: "revoke" };
  let window: RateWindow | undefined;
  const allowed = Array.from({ length: 6 }, (_, call) => {
    const nowMs = START_MS + call;
    window = addToWindow(window, { nowMs, windowMs: MINUTE_MS });
    return decideLimit(errors, NO_EPISODES, { measured: { window }, amount: 0, nowMs }).verdict;
  });
  expect(allowed.map((verdict) => verdict.allowed)).toEqual([true, true, true, true, true, false]);
});

test("a budget that is kept elsewhere is compared as it is, and counts episodes by its window", () => {
  const budget: Limit = {
    ...PARALLEL,
    metric: "cost_usd",
    max: 50,
    perMs: 86_400_000,
    consequence: "stop",
  };
  const at = (state: LimitState, gauge: number, nowMs: number): ReturnType<typeof decideLimit> =>
    decideLimit(budget, state, { measured: { gauge }, amount: 0, nowMs });
  expect(at(NO_EPISODES, 50, START_MS).verdict).toEqual({ allowed: true });
  const over = at(NO_EPISODES, 50.01, START_MS);
  expect(over.verdict).toMatchObject({
    consequence: "stop",
    episodeStarts: true,
    retryAfterMs: null,
  });
  expect(at(over.state, 51, START_MS + 1).verdict).toMatchObject({ episodeStarts: false });
  expect(at(over.state, 51, START_MS + 86_400_000).verdict).toMatchObject({ episodeStarts: true });
});

test("a gauge that nobody read is taken for empty", () => {
  const measured = { window: undefined };
  const { verdict } = decideLimit(PARALLEL, NO_EPISODES, { measured, amount: 4, nowMs: START_MS });
  expect(verdict.allowed).toBe(false);
});
