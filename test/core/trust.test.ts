import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { TIERS, type Tier } from "../../src/core/agent.ts";
import {
  afterOutcome,
  afterViolation,
  DEFAULT_TRUST,
  freezeTrust,
  startTrust,
  thawTrust,
  type OutcomeFacts,
  type Trust,
  type TrustSettings,
} from "../../src/core/trust.ts";

const START_MS = 1_795_000_000_000;
const SETTINGS: TrustSettings = { ...DEFAULT_TRUST, verified: 6, distinctTasks: 3 };
const { coolDownMs } = SETTINGS;

const tier = fc.constantFrom<Tier>(...TIERS);
const severity = fc.constantFrom("low", "medium", "high", "critical");

const VERIFIED: OutcomeFacts = {
  agent: "ada",
  taskId: "T1",
  isOwnTask: false,
  commit: null,
  outcome: "done",
  verifiedBy: "gates",
};
const FAILED: OutcomeFacts = { ...VERIFIED, outcome: "failed", verifiedBy: null };

const anyOutcome: fc.Arbitrary<OutcomeFacts> = fc.record({
  agent: fc.constant("ada"),
  taskId: fc.nat(9).map((number) => `T${number + 1}`),
  isOwnTask: fc.boolean(),
  commit: fc.option(fc.nat(30).map((number) => `c${number}`)),
  outcome: fc.constantFrom("done", "done", "failed", "released", "lost", "cancelled", "sent_back"),
  verifiedBy: fc.constantFrom("gates", "gates", "person", null, "unverified", "person-waived"),
});
const countedOutcome = fc
  .tuple(fc.constantFrom(VERIFIED, VERIFIED, FAILED), fc.nat(9))
  .map(([facts, number]) => onTask(facts, number));
/** Half of them count, or hardly anybody would ever rise or fall. */
const outcome = fc.oneof(anyOutcome, countedOutcome);

function onTask(facts: OutcomeFacts, number: number): OutcomeFacts {
  return { ...facts, taskId: `T${number + 1}` };
}

/** One thing that happens to an agent, and how long after the one before. */
const happening = fc.record({
  afterMs: fc.oneof(fc.nat(1000), fc.nat(2 * coolDownMs), fc.integer({ min: -5000, max: 0 })),
  what: fc.oneof(
    { weight: 30, arbitrary: outcome },
    { weight: 1, arbitrary: severity.map((of) => ({ severity: of })) },
  ),
});
const histories = fc.array(happening, { maxLength: 120, size: "max" });

function countsAsVerified(facts: OutcomeFacts): boolean {
  return facts.outcome === "done" && facts.verifiedBy === "gates" && !facts.isOwnTask;
}

/** Verified outcomes over enough tasks for one step. */
function rise(trust: Trust, nowMs: number, count = SETTINGS.verified): Trust {
  let next = trust;
  for (let done = 0; done < count; done += 1) {
    const facts = { ...VERIFIED, taskId: `T${done + 1}` };
    next = afterOutcome(next, SETTINGS, facts, nowMs).trust;
  }
  return next;
}

describe("calls and claims never change a tier", () => {
  test("outcomes that nobody measured, that a person waived, or of tasks of one's own leave all as it is", () => {
    const worthless = anyOutcome.filter(
      (facts) => !countsAsVerified(facts) && (facts.outcome !== "failed" || facts.isOwnTask),
    );
    fc.assert(
      fc.property(tier, fc.array(worthless, { maxLength: 200, size: "max" }), (from, all) => {
        const trust = startTrust(from);
        for (const facts of all) {
          expect(afterOutcome(trust, SETTINGS, facts, START_MS)).toEqual({ trust, change: null });
          expect(afterOutcome(trust, SETTINGS, facts, START_MS).trust).toBe(trust);
        }
      }),
    );
  });

  test("one commit earns once, for however many tasks it is reported", () => {
    let trust = startTrust("T1");
    for (let done = 0; done < 100; done += 1) {
      const facts = { ...onTask(VERIFIED, done), commit: "c1" };
      trust = afterOutcome(trust, SETTINGS, facts, START_MS).trust;
    }
    expect(trust).toMatchObject({ tier: "T1", verified: 1, commits: ["c1"] });
  });

  test("the same task again and again does not make enough tasks", () => {
    let trust = startTrust("T1");
    for (let done = 0; done < 100; done += 1) {
      trust = afterOutcome(trust, SETTINGS, VERIFIED, START_MS).trust;
    }
    expect(trust).toMatchObject({ tier: "T1", verified: 100, tasks: ["T1"] });
  });
});

describe("in any history", () => {
  test("a tier changes by one step, upwards only after N verified outcomes since the last change", () => {
    fc.assert(
      fc.property(tier, histories, (from, history) => {
        let trust = startTrust(from);
        let nowMs = START_MS;
        let earned: string[] = [];
        for (const { afterMs, what } of history) {
          nowMs += afterMs;
          const before = trust;
          const move =
            "severity" in what
              ? afterViolation(trust, SETTINGS, what.severity, nowMs)
              : afterOutcome(trust, SETTINGS, what, nowMs);
          ({ trust } = move);
          if (!("severity" in what) && countsAsVerified(what)) earned.push(what.taskId);
          const steps = TIERS.indexOf(trust.tier) - TIERS.indexOf(before.tier);
          expect(Math.abs(steps)).toBeLessThanOrEqual(1);
          expect(move.change === null).toBe(steps === 0);
          if (steps === 0) continue;
          expect(move.change).toMatchObject({ from: before.tier, to: trust.tier });
          if (steps > 0) {
            expect(earned.length).toBeGreaterThanOrEqual(SETTINGS.verified);
            expect(new Set(earned).size).toBeGreaterThanOrEqual(SETTINGS.distinctTasks);
          }
          earned = [];
          expect(trust).toMatchObject({ verified: 0, tasks: [], outcomes: [], points: null });
        }
      }),
      { numRuns: 300 },
    );
  });

  test("nobody rises within the cool-down of a fall", () => {
    fc.assert(
      fc.property(tier, histories, (from, history) => {
        let trust = startTrust(from);
        let nowMs = START_MS;
        let fellMs = -Infinity;
        for (const { afterMs, what } of history) {
          nowMs += Math.max(0, afterMs);
          const move =
            "severity" in what
              ? afterViolation(trust, SETTINGS, what.severity, nowMs)
              : afterOutcome(trust, SETTINGS, what, nowMs);
          ({ trust } = move);
          if (move.change === null) continue;
          if (move.change.why === "verified_outcomes") {
            expect(nowMs - fellMs).toBeGreaterThanOrEqual(coolDownMs);
          } else fellMs = nowMs;
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a frozen tier stays, and is thawed with nothing on its account", () => {
    fc.assert(
      fc.property(tier, tier, histories, (from, to, history) => {
        const frozen = freezeTrust(rise(startTrust(from), START_MS, 2), to, "person:eve");
        for (const { what } of history) {
          const move =
            "severity" in what
              ? afterViolation(frozen, SETTINGS, what.severity, START_MS)
              : afterOutcome(frozen, SETTINGS, what, START_MS);
          expect(move).toEqual({ trust: frozen, change: null });
        }
        expect(thawTrust(frozen)).toEqual(startTrust(to));
      }),
    );
  });

  test("the state stays small plain JSON", () => {
    fc.assert(
      fc.property(histories, (history) => {
        let trust = startTrust("T0");
        for (const { what } of history) {
          const move =
            "severity" in what
              ? afterViolation(trust, SETTINGS, what.severity, START_MS)
              : afterOutcome(trust, SETTINGS, what, START_MS);
          ({ trust } = move);
          expect(trust.tasks.length).toBeLessThanOrEqual(SETTINGS.distinctTasks);
          expect(trust.outcomes.length).toBeLessThanOrEqual(SETTINGS.lastOutcomes);
        }
        expect(JSON.parse(JSON.stringify(trust))).toEqual(trust);
      }),
    );
  });
});

describe("rising", () => {
  test("takes exactly N verified outcomes, step by step up to the ceiling", () => {
    expect(rise(startTrust("T0"), START_MS, 5).tier).toBe("T0");
    expect(rise(startTrust("T0"), START_MS, 6).tier).toBe("T1");
    expect(rise(startTrust("T0"), START_MS, 11).tier).toBe("T1");
    expect(rise(startTrust("T0"), START_MS, 12).tier).toBe("T2");
    expect(rise(startTrust("T2"), START_MS, 100)).toMatchObject({
      tier: "T2",
      tasks: ["T1", "T2", "T3"],
    });
    const capped = { ...SETTINGS, ceiling: "T0" } as const;
    const trust = rise(startTrust("T0"), START_MS, 5);
    expect(afterOutcome(trust, capped, VERIFIED, START_MS).change).toBeNull();
  });

  test("waits until few of the last outcomes failed", () => {
    let trust = startTrust("T1");
    for (const facts of [FAILED, FAILED]) {
      trust = afterOutcome(trust, SETTINGS, facts, START_MS).trust;
    }
    // 2 of 8 failed at the sixth success; 2 of 10 is a fifth.
    expect(rise(trust, START_MS, 7).tier).toBe("T1");
    expect(rise(trust, START_MS, 8).tier).toBe("T2");
  });

  test("waits while a violation is within its time", () => {
    const { trust } = afterViolation(startTrust("T1"), SETTINGS, "low", START_MS);
    expect(rise(trust, START_MS + SETTINGS.pointsWithinMs / 2, 50).tier).toBe("T1");
    expect(rise(trust, START_MS + SETTINGS.pointsWithinMs * 1.1, 6).tier).toBe("T2");
  });
});

describe("falling", () => {
  test("follows from many failed outcomes, but not from few outcomes", () => {
    let trust = startTrust("T2");
    for (let failed = 1; failed < SETTINGS.leastOutcomes; failed += 1) {
      trust = afterOutcome(trust, SETTINGS, FAILED, START_MS).trust;
    }
    expect(trust.tier).toBe("T2");
    const move = afterOutcome(trust, SETTINGS, FAILED, START_MS);
    expect(move.change).toEqual({ from: "T2", to: "T1", why: "failed_outcomes" });
  });

  test.each([
    { severity: "low" as const, times: 6 },
    { severity: "medium" as const, times: 2 },
    { severity: "high" as const, times: 1 },
    { severity: "critical" as const, times: 1 },
  ])("follows from $times violations of severity $severity", ({ severity: of, times }) => {
    let trust = startTrust("T2");
    for (let count = 1; count <= times; count += 1) {
      const move = afterViolation(trust, SETTINGS, of, START_MS);
      ({ trust } = move);
      expect(move.change?.why).toBe(count === times ? "violations" : undefined);
    }
    expect(trust.tier).toBe("T1");
  });

  test("follows from just the share that is named", () => {
    const outcomes = [
      ...Array.from({ length: 5 }, () => VERIFIED),
      ...Array.from({ length: 4 }, () => FAILED),
    ];
    let trust = startTrust("T2");
    for (const facts of outcomes) trust = afterOutcome(trust, SETTINGS, facts, START_MS).trust;
    expect(afterOutcome(trust, SETTINGS, VERIFIED, START_MS).change).toBeNull();
    expect(afterOutcome(trust, SETTINGS, FAILED, START_MS).change).toMatchObject({ to: "T1" });
  });

  test("does not follow from violations that are far apart", () => {
    let trust = startTrust("T2");
    for (let week = 0; week < 10; week += 1) {
      const nowMs = START_MS + week * 1.1 * SETTINGS.pointsWithinMs;
      ({ trust } = afterViolation(trust, SETTINGS, "medium", nowMs));
    }
    expect(trust.tier).toBe("T2");
  });

  test("ends at T0, where nothing more can be taken", () => {
    const trust = startTrust("T0");
    const move = afterViolation(trust, SETTINGS, "critical", START_MS);
    expect(move).toMatchObject({ trust: { tier: "T0" }, change: null });
    expect(rise(move.trust, START_MS, 50).tier).toBe("T0");
  });

  test("then needs the full N again, after the cool-down", () => {
    const almost = rise(startTrust("T1"), START_MS, 5);
    const { trust } = afterViolation(almost, SETTINGS, "high", START_MS);
    expect(trust.tier).toBe("T0");
    expect(rise(trust, START_MS + coolDownMs - 1, 50).tier).toBe("T0");
    expect(rise(trust, START_MS + coolDownMs, 5).tier).toBe("T0");
    expect(rise(trust, START_MS + coolDownMs, 6).tier).toBe("T1");
  });

  test("counts violations by their age, where the clock stepped back", () => {
    const { trust } = afterViolation(startTrust("T1"), SETTINGS, "low", START_MS);
    const backMs = START_MS - 30 * SETTINGS.pointsWithinMs;
    const seen = afterOutcome(trust, SETTINGS, VERIFIED, backMs).trust;
    expect(rise(seen, backMs + SETTINGS.pointsWithinMs / 2, 6).tier).toBe("T1");
    expect(rise(seen, backMs + 1.5 * SETTINGS.pointsWithinMs, 6).tier).toBe("T2");
  });

  test("has no longer cool-down where the clock stepped back", () => {
    const { trust } = afterViolation(startTrust("T1"), SETTINGS, "high", START_MS);
    const backMs = START_MS - 30 * coolDownMs;
    const seen = afterOutcome(trust, SETTINGS, VERIFIED, backMs).trust;
    expect(rise(seen, backMs + coolDownMs, 6).tier).toBe("T1");
  });
});
