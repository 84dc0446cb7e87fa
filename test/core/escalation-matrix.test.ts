import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readAnswer } from "../../src/core/escalation-answer.ts";
import {
  acknowledge,
  climbAbove,
  climbTo,
  firstLevel,
  leave,
  nextClimb,
  prolongClimb,
  type EscalationThresholds,
  type Helpers,
} from "../../src/core/escalation-matrix.ts";
import {
  ESCALATION_KINDS,
  SEVERITIES,
  type Escalation,
  type EscalationLevel,
} from "../../src/core/escalation.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const THRESHOLDS: EscalationThresholds = {
  peerAfterMs: 30 * MINUTE,
  leadAfterMs: 2 * HOUR,
  personAfterMs: 4 * HOUR,
  acknowledgedForMs: 30 * MINUTE,
};
const ALL: Helpers = { peers: ["bob"], leads: ["lea"] };
const PEERS: Helpers = { peers: ["bob"], leads: [] };
const LEADS: Helpers = { peers: [], leads: ["lea"] };
const NOBODY: Helpers = { peers: [], leads: [] };

const ORDER: readonly EscalationLevel[] = ["L1", "L2", "L3"];
const heightOf = ({ level }: { level: EscalationLevel }): number => ORDER.indexOf(level);

function raised(level: EscalationLevel, fields: Partial<Escalation> = {}): Escalation {
  const unplaced: Escalation = {
    id: "E1",
    kind: "question",
    severity: "medium",
    summary: "s",
    detail: null,
    taskId: null,
    topicId: null,
    raisedBy: "ada",
    forPeople: false,
    level,
    climbs: [],
    state: "open",
    createdAtMs: 0,
    countedFromMs: 0,
    dueAtMs: 0,
    acknowledgedBy: null,
    resolvedBy: null,
    resolution: null,
    endedAtMs: null,
    ...fields,
  };
  return climbTo(unplaced, { level, atMs: 0, why: "", taskId: null }, THRESHOLDS);
}

describe("where a question begins", () => {
  test.each([
    ["question", "medium", ALL, "L1"],
    ["blocked", "high", ALL, "L1"],
    ["other", "low", ALL, "L1"],
    ["conflict", "medium", ALL, "L2"],
    ["policy", "low", ALL, "L3"],
    ["security", "low", ALL, "L3"],
    ["question", "critical", ALL, "L3"],
    ["question", "medium", LEADS, "L2"],
    ["question", "medium", NOBODY, "L3"],
    ["conflict", "medium", PEERS, "L3"],
    ["conflict", "medium", LEADS, "L2"],
  ] as const)("a %s of severity %s with %j: %s", (kind, severity, helpers, level) => {
    expect(firstLevel({ kind, severity, forPeople: false }, helpers).level).toBe(level);
  });

  test.each(ESCALATION_KINDS)("what only people may decide is theirs: %s", (kind) => {
    const asked = { kind, severity: "low", forPeople: true } as const;
    expect(firstLevel(asked, ALL).level).toBe("L3");
  });
});

describe("the climb", () => {
  const climbAt = (from: Escalation, nowMs: number, helpers = ALL): unknown =>
    nextClimb(from, { helpers, personAfterMs: THRESHOLDS.personAfterMs }, nowMs)?.level;

  test.each([
    ["L1", 2 * HOUR - 1, ALL, undefined],
    ["L1", 2 * HOUR, ALL, "L2"],
    ["L1", 2 * HOUR, PEERS, "L3"],
    // Nobody was awake for hours: the lead's time is over too.
    ["L1", 4 * HOUR, ALL, "L3"],
    ["L2", 4 * HOUR - 1, ALL, undefined],
    ["L2", 4 * HOUR, ALL, "L3"],
    ["L3", 99 * HOUR, ALL, undefined],
    // Whoever could have answered has left.
    ["L1", 1, LEADS, "L2"],
    ["L1", 1, NOBODY, "L3"],
    ["L2", 1, PEERS, "L3"],
  ] as const)("from %s at %d ms with %j: %s", (level, nowMs, helpers, next) => {
    expect(climbAt(raised(level), nowMs, helpers)).toBe(next);
  });

  test("stops for who acknowledged it, for a while and once", () => {
    const ack = { by: "bob", acknowledgedForMs: THRESHOLDS.acknowledgedForMs };
    const late = acknowledge(raised("L1"), ack, 2 * HOUR - 1);
    expect(climbAt(late, 2.5 * HOUR - 2)).toBeUndefined();
    expect(climbAt(late, 2.5 * HOUR - 1)).toBe("L2");
    // Early, it changes nothing; nor does one that comes when it is due.
    expect(acknowledge(raised("L1"), ack, 1).dueAtMs).toBe(2 * HOUR);
    expect(acknowledge(raised("L1"), ack, 2 * HOUR).dueAtMs).toBe(2 * HOUR);
    expect(climbAt(leave(late, THRESHOLDS, 2 * HOUR), 2 * HOUR)).toBe("L2");
  });

  test("waits for a helper at work though nobody else is there", () => {
    const ack = { by: "bob", acknowledgedForMs: THRESHOLDS.acknowledgedForMs };
    expect(climbAt(acknowledge(raised("L1"), ack, 5), 6, NOBODY)).toBeUndefined();
  });

  test("is over when the question is", () => {
    for (const state of ["resolved", "withdrawn"] as const) {
      expect(climbAt({ ...raised("L1"), state }, 99 * HOUR)).toBeUndefined();
    }
  });

  test("gets back the time in which everything was stopped, since it was raised", () => {
    const stopped = { fromMs: HOUR, toMs: 3 * HOUR };
    const later = prolongClimb(raised("L1"), stopped);
    expect(later).toMatchObject({ dueAtMs: 4 * HOUR, countedFromMs: 2 * HOUR });
    const within = raised("L1", { createdAtMs: 2 * HOUR, countedFromMs: 2 * HOUR });
    expect(prolongClimb(within, stopped).dueAtMs).toBe(5 * HOUR);
    const atTheTop = raised("L3");
    expect(prolongClimb(atTheTop, stopped)).toBe(atTheTop);
    const after = raised("L1", { createdAtMs: 3 * HOUR });
    expect(prolongClimb(after, stopped)).toBe(after);
  });
});

const helpersAny = fc.record({
  peers: fc.constantFrom<readonly string[]>([], ["bob"]),
  leads: fc.constantFrom<readonly string[]>([], ["lea"]),
});

const thresholdsAny = fc
  .tuple(
    fc.integer({ min: 1, max: 500 }),
    fc.integer({ min: 0, max: 500 }),
    fc.integer({ min: 1, max: 200 }),
  )
  .map(([leadAfterMs, more, acknowledgedForMs]) => ({
    peerAfterMs: 1,
    leadAfterMs,
    personAfterMs: leadAfterMs + more,
    acknowledgedForMs,
  }));

const eventsAny = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 120 }),
    what: fc.constantFrom("look", "acknowledge", "leave", "take over", "give up" as const),
    helpers: helpersAny,
  }),
  { maxLength: 60 },
);

describe("whatever agents do", () => {
  test("levels only rise, and a person has it in bounded time", () => {
    fc.assert(
      fc.property(
        thresholdsAny,
        eventsAny,
        fc.constantFrom(...SEVERITIES),
        (thresholds, events, severity) => {
          const begin = { level: "L1", atMs: 0, why: "", taskId: null } as const;
          let now = 0;
          let it = climbTo({ ...raised("L1"), severity }, begin, thresholds);
          const { acknowledgedForMs, personAfterMs } = thresholds;
          const climb = (next: { level: EscalationLevel; why: string }): void => {
            expect(heightOf(next)).toBeGreaterThan(heightOf(it));
            it = climbTo(it, { ...next, atMs: now, taskId: null }, thresholds);
          };
          for (const { afterMs, what, helpers } of events) {
            now += afterMs;
            // As the engine does: what is due is settled before anything else.
            for (;;) {
              const next = nextClimb(it, { helpers, personAfterMs }, now);
              if (next === undefined) break;
              climb(next);
            }
            const ack = { by: "bob", acknowledgedForMs };
            if (what === "leave" || what === "take over") {
              if (it.state === "acknowledged") it = leave(it, thresholds, now);
            }
            if (what === "acknowledge" || what === "take over") {
              if (it.state === "open") it = acknowledge(it, ack, now);
            }
            if (what === "give up" && it.level !== "L3") climb(climbAbove(it.level, "", helpers));
            if (it.level !== "L3")
              expect(it.dueAtMs).toBeLessThanOrEqual(personAfterMs + acknowledgedForMs);
          }
          now = personAfterMs + acknowledgedForMs;
          const last = nextClimb(it, { helpers: ALL, personAfterMs }, now);
          expect(last?.level ?? it.level).toBe("L3");
        },
      ),
    );
  });

  test("no level is begun at that nobody can serve", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ESCALATION_KINDS),
        fc.constantFrom(...SEVERITIES),
        fc.boolean(),
        helpersAny,
        (kind, severity, forPeople, helpers) => {
          const { level } = firstLevel({ kind, severity, forPeople }, helpers);
          const servers = { L1: helpers.peers, L2: helpers.leads, L3: ["a person"] }[level];
          expect(servers).not.toEqual([]);
        },
      ),
    );
  });
});

describe("an answer in a task's outputs", () => {
  const until = "2026-01-02T00:00:00.000Z";
  const nowMs = Date.parse("2026-01-01T00:00:00.000Z");

  test.each([
    [{ answer: " eu-west " }, false, { how: "answer", text: "eu-west", untilMs: null }],
    [{ answer: "a", resolution: "answer" }, false, { how: "answer", text: "a", untilMs: null }],
    [{ answer: "a", resolution: null }, false, { how: "answer", text: "a", untilMs: null }],
    [{ answer: "a", resolution: "decision" }, true, { how: "decision", text: "a", untilMs: null }],
    [
      { answer: "a", resolution: "exception", exception_until: until },
      true,
      { how: "exception", text: "a", untilMs: Date.parse(until) },
    ],
  ] as const)("%j of a lead: %s", (outputs, isLead, resolution) => {
    expect(readAnswer(outputs, isLead, nowMs)).toEqual(resolution);
  });

  test.each([
    [{}, true, "outputs.answer"],
    [{ answer: "  " }, true, "outputs.answer"],
    [{ answer: 7 }, true, "outputs.answer"],
    [{ answer: "x".repeat(4001) }, true, "4000"],
    [{ answer: "a", resolution: "decision" }, false, "Only a lead"],
    [{ answer: "a", resolution: "exception", exception_until: until }, false, "Only a lead"],
    [{ answer: "a", resolution: "order" }, true, "answer, decision, exception"],
    [{ answer: "a", resolution: "exception" }, true, "exception_until"],
    [
      { answer: "a", resolution: "exception", exception_until: "tomorrow" },
      true,
      "exception_until",
    ],
    [
      { answer: "a", resolution: "exception", exception_until: "2025-12-31T00:00:00Z" },
      true,
      "is to come",
    ],
  ])("%j of a lead: %s is refused", (outputs, isLead, problem) => {
    expect(readAnswer(outputs, isLead, nowMs)).toEqual({
      problem: expect.stringContaining(problem),
    });
  });
});
