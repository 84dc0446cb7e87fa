import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ERROR_CODES, GuvnorError } from "../../src/core/errors.ts";
import {
  formatId,
  freeName,
  ID_PREFIX,
  isAgentName,
  looksLikeId,
  parseId,
  slugName,
  type IdKind,
} from "../../src/core/ids.ts";
import { fromIso, toIso } from "../../src/core/iso-time.ts";
import { orderKey, scoreTask } from "../../src/core/score.ts";
import { attemptId } from "../../src/core/task.ts";

const KINDS = Object.keys(ID_PREFIX) as IdKind[];

describe("ids", () => {
  test("what is formatted is parsed again, and looks like an id", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KINDS), fc.integer({ min: 1, max: 10 ** 14 }), (kind, n) => {
        const id = formatId(kind, n);
        expect(parseId(kind, id)).toBe(n);
        expect(looksLikeId(id)).toBe(true);
      }),
    );
  });

  test.each(["", "T", "T0", "T01", "t1", "T1 ", "T-1", "T1e3", "P1", "T9999999999999999"])(
    "%j is no task id",
    (text) => expect(parseId("task", text)).toBeUndefined(),
  );

  test("any text becomes a valid agent name, and a valid one stays", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(isAgentName(slugName(text))).toBe(true);
      }),
    );
    expect(slugName("Claude Code 2")).toBe("claude-code-2");
    expect(slugName("Ærlig—Ünï")).toMatch(/^[a-z0-9]/);
    expect(slugName("\u001B[31m")).toBe("31m");
    expect(slugName("日本")).toBe("agent");
  });

  test("a taken name gets the first free number", () => {
    const taken = new Set(["a", "a-2"]);
    expect(freeName("a", (name) => taken.has(name))).toBe("a-3");
    expect(freeName("b", (name) => taken.has(name))).toBe("b");
  });

  test("an attempt is named after its task", () => {
    expect(attemptId({ id: "T12", attemptNo: 2 })).toBe("T12/2");
  });
});

describe("score", () => {
  const task = fc.record({
    priority: fc.integer({ min: 0, max: 100 }),
    readyAtMs: fc.integer({ min: 0, max: 10 ** 9 }),
  });

  test("the order of the index is the order of the score at any time", () => {
    fc.assert(
      fc.property(task, task, fc.integer({ min: 10 ** 9, max: 10 ** 10 }), (a, b, nowMs) => {
        const difference =
          scoreTask(a.priority, a.readyAtMs, nowMs).total -
          scoreTask(b.priority, b.readyAtMs, nowMs).total;
        const keys = orderKey(a.priority, a.readyAtMs) - orderKey(b.priority, b.readyAtMs);
        if (Math.abs(difference) > 1e-6) expect(Math.sign(keys)).toBe(Math.sign(difference));
        else expect(Math.abs(keys)).toBeLessThan(1);
      }),
    );
  });

  test("the parts add up, and a task from the future has no age", () => {
    expect(scoreTask(50, 0, 1_200_000)).toEqual({ priority: 50, age: 2, total: 52 });
    expect(scoreTask(50, 10, 0)).toEqual({ priority: 50, age: 0, total: 50 });
  });
});

test("times are ISO 8601 in UTC and come back", () => {
  expect(toIso(0)).toBe("1970-01-01T00:00:00.000Z");
  fc.assert(
    fc.property(fc.nat(), (ms) => {
      expect(fromIso(toIso(ms))).toBe(ms);
    }),
  );
});

describe("GuvnorError", () => {
  test("carries code, fix, details and cause", () => {
    const cause = new Error("inside");
    const error = new GuvnorError("busy", "It is busy.", "Wait.", { details: { a: 1 }, cause });
    expect(error).toMatchObject({ code: "busy", fix: "Wait.", details: { a: 1 }, cause });
    expect(new GuvnorError("busy", "x", "y").cause).toBeUndefined();
  });

  test("the codes are a sorted list without doubles", () => {
    expect([...new Set(ERROR_CODES)].toSorted()).toEqual([...ERROR_CODES]);
  });
});
