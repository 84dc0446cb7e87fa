import fc from "fast-check";
import { describe, expect, test } from "vitest";

import * as decide from "../../src/core/task-decisions.ts";
import { moveTask, TASK_TRANSITIONS, type TaskEvent } from "../../src/core/task-machine.ts";
import { OPEN_STATES, TASK_STATES, type Task, type TaskState } from "../../src/core/task.ts";
import { aTask } from "../support/a-task.ts";

const EVENTS = Object.keys(TASK_TRANSITIONS) as TaskEvent[];
const state = fc.constantFrom<TaskState>(...TASK_STATES);
const event = fc.constantFrom<TaskEvent>(...EVENTS);

describe("the table of task states", () => {
  test("moves a task only from the states it names, and to the state it names", () => {
    fc.assert(
      fc.property(state, event, (from, happened) => {
        const { from: allowed, to } = TASK_TRANSITIONS[happened];
        const task = aTask({ state: from });
        if ((allowed as readonly TaskState[]).includes(from)) {
          expect(moveTask(task, happened, 5).state).toBe(to);
        } else {
          expect(() => moveTask(task, happened, 5)).toThrow(
            expect.objectContaining({ code: "state_conflict" }),
          );
        }
      }),
    );
  });

  test("reaches every state, and leaves every state but by nothing it does not name", () => {
    const reachable = new Set<TaskState>(["pending"]);
    for (let round = 0; round < TASK_STATES.length; round += 1) {
      for (const { from, to } of Object.values(TASK_TRANSITIONS)) {
        if (from.some((each) => reachable.has(each))) reachable.add(to);
      }
    }
    expect([...reachable].toSorted()).toEqual([...TASK_STATES].toSorted());
  });

  test("an end has a time and an open state has none", () => {
    fc.assert(
      fc.property(state, event, (from, happened) => {
        const { from: allowed, to } = TASK_TRANSITIONS[happened];
        fc.pre((allowed as readonly TaskState[]).includes(from));
        const moved = moveTask(aTask({ state: from, endedAtMs: 1 }), happened, 7);
        expect(moved.endedAtMs).toBe(OPEN_STATES.has(to) ? null : 7);
      }),
    );
  });
});

/** One decision of each kind, where the task's state allows it. */
const STEPS: Record<string, (task: Task, nowMs: number) => Task> = {
  claim: (task, now) => decide.claim(task, "ada", now).task,
  block: (task, now) => decide.block(task, { kind: "x", text: "", blockedBy: null }, now).task,
  unblock: (task, now) => decide.unblock(task, true, now).task,
  free: (task, now) => decide.unblock(task, false, now).task,
  submit: (task, now) => decide.submit(task, "c", now).task,
  verify: (task, now) => decide.verify(task, "gates", now).task,
  sendBack: (task, now) =>
    decide.sendBack(task, { missing: [], holderFree: true, by: "gates" }, now).task,
  return: (task, now) =>
    decide.sendBack(task, { missing: [], holderFree: false, by: "gates" }, now).task,
  fail: (task, now) => decide.fail(task, { retryable: true, note: null, random: 0.5 }, now).task,
  release: (task, now) => decide.release(task, now).task,
  lose: (task, now) => decide.loseLease(task, now).task,
  takeBack: (task, now) => decide.takeBack(task, now).task,
  cancel: (task, now) => decide.cancel(task, now).task,
  reopen: (task, now) => decide.reopen(task, 0, now).task,
};

function tryStep(task: Task, step: string, nowMs: number): Task {
  try {
    return STEPS[step]?.(task, nowMs) ?? task;
  } catch {
    // Not allowed in this state; the table's own property covers that.
    return task;
  }
}

describe("decisions about tasks", () => {
  const history = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 60 });

  test("the fence never falls, and rises with each claim only", () => {
    fc.assert(
      fc.property(history, (steps) => {
        let task = aTask({ state: "ready" });
        for (const [index, step] of steps.entries()) {
          const next = tryStep(task, step, index);
          const claimed = next !== task && step === "claim";
          expect(next.fence).toBe(task.fence + (claimed ? 1 : 0));
          task = next;
        }
      }),
    );
  });

  test("a task that runs, is blocked or in review has a holder, any other has none", () => {
    fc.assert(
      fc.property(history, (steps) => {
        let task = aTask({ state: "ready" });
        for (const [index, step] of steps.entries()) {
          task = tryStep(task, step, index);
          const held = ["running", "blocked", "review"].includes(task.state);
          expect(task.holder).toBe(held ? "ada" : null);
        }
      }),
    );
  });

  test("every history without reopening comes to an end after finitely many claims", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("fail", "lose"), { minLength: 8, maxLength: 20 }),
        (ends) => {
          let task = aTask({ state: "ready" });
          for (const end of ends) task = tryStep(tryStep(task, "claim", 0), end, 0);
          expect(task.state).toBe("failed");
        },
      ),
    );
  });

  test("the third failure, a failure without retry and the fifth lost lease are final", () => {
    const report = { retryable: true, note: null, random: 0.5 };
    const running = aTask({ state: "running", holder: "ada" });
    expect(decide.fail({ ...running, failures: 1 }, report, 0).task.state).toBe("ready");
    expect(decide.fail({ ...running, failures: 2 }, report, 0).task.state).toBe("failed");
    expect(decide.fail(running, { ...report, retryable: false }, 0).task.state).toBe("failed");
    expect(decide.loseLease({ ...running, lostLeases: 3 }, 0).task.state).toBe("ready");
    expect(decide.loseLease({ ...running, lostLeases: 4 }, 0).task.state).toBe("failed");
  });

  test("retries wait 30 s, then 60 s, each within 20 %", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, random) => {
          const waitMs = decide.retryAtMs(n, 1000, random) - 1000;
          expect(waitMs).toBeGreaterThanOrEqual(30_000 * 2 ** (n - 1) * 0.8 - 1);
          expect(waitMs).toBeLessThanOrEqual(30_000 * 2 ** (n - 1) * 1.2 + 1);
        },
      ),
    );
  });

  test("review sends back three times, then a person must look", () => {
    let task = aTask({ state: "review", holder: "ada" });
    const missing = [{ gate: "tests", evidence: "red" }];
    for (let round = 1; round <= 3; round += 1) {
      task = decide.sendBack(task, { missing, holderFree: true, by: "gates" }, 0).task;
      expect(task).toMatchObject({ state: "running", fence: task.fence, missing });
      task = { ...task, state: "review" };
    }
    expect(decide.sendBack(task, { missing, holderFree: true, by: "gates" }, 0).task.state).toBe(
      "blocked",
    );
    // A person who sends it back has just looked.
    expect(decide.sendBack(task, { missing, holderFree: true, by: "person" }, 0).task.state).toBe(
      "running",
    );
  });

  test("a returned task remembers who knows it, a failed one who failed it", () => {
    const review = aTask({ state: "review", holder: "ada" });
    expect(
      decide.sendBack(review, { missing: [], holderFree: false, by: "gates" }, 9).task,
    ).toMatchObject({
      state: "ready",
      preferredAgent: "ada",
      readyAtMs: 9,
    });
    const running = aTask({ state: "running", holder: "ada", note: "before" });
    const failed = decide.fail(running, { retryable: true, note: null, random: 0.5 }, 0).task;
    expect(failed).toMatchObject({ failedBy: "ada", note: "before" });
  });

  test("a claim forgets the commit and the wait of the attempt before", () => {
    const ready = aTask({ state: "ready", commit: "old", notBeforeMs: 3, percent: 80 });
    expect(decide.claim(ready, "ada", 5).task).toMatchObject({
      commit: null,
      notBeforeMs: null,
      percent: null,
      attemptNo: ready.attemptNo + 1,
    });
  });
});

describe("requireLease", () => {
  const task = aTask({ state: "running", holder: "ada", fence: 4 });

  test("accepts the holder with its fence or with none", () => {
    expect(() => decide.requireLease(task, "ada", 4, true)).not.toThrow();
    expect(() => decide.requireLease(task, "ada", undefined, true)).not.toThrow();
  });

  test.each([
    { who: "ada", fence: 3, before: true, code: "stale_lease" },
    { who: "bob", fence: 3, before: true, code: "stale_lease" },
    { who: "bob", fence: undefined, before: false, code: "not_holder" },
    { who: "bob", fence: 4, before: false, code: "not_holder" },
  ])("refuses $who with fence $fence: $code", ({ who, fence, before, code }) => {
    expect(() => decide.requireLease(task, who, fence, before)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  test("says that a task was cancelled before anything else", () => {
    const cancelled = aTask({ state: "cancelled" });
    expect(() => decide.requireLease(cancelled, "ada", 4, true)).toThrow(
      expect.objectContaining({ code: "task_cancelled" }),
    );
    expect(() => decide.requireLease(aTask({ state: "ready" }), "ada", undefined, true)).toThrow(
      expect.objectContaining({ code: "stale_lease", message: expect.stringContaining("ready") }),
    );
  });
});

describe("dependencies", () => {
  test("done satisfies, and a failed or cancelled task only where it says skip", () => {
    fc.assert(
      fc.property(state, fc.constantFrom("block", "cancel", "skip"), (at, onFailure) => {
        const task = aTask({ state: at }, { onFailure });
        const ended = at === "failed" || at === "cancelled";
        expect(decide.satisfies(task)).toBe(at === "done" || (ended && onFailure === "skip"));
      }),
    );
  });

  test("a pending task is ready at no open dependency, a ready one waits again at one", () => {
    const pending = aTask({ state: "pending", openDependencies: 1 });
    expect(decide.withOpenDependencies(pending, 0, 3)?.task).toMatchObject({
      state: "ready",
      readyAtMs: 3,
    });
    expect(decide.withOpenDependencies(pending, 2, 3)).toBeUndefined();
    const ready = aTask({ state: "ready" });
    expect(decide.withOpenDependencies(ready, 1, 3)?.task.state).toBe("pending");
    expect(decide.withOpenDependencies(aTask({ state: "running" }), 1, 3)).toBeUndefined();
  });

  test("reopening starts over, behind open dependencies", () => {
    const done = aTask({ state: "done", failures: 2, lostLeases: 1, verifiedBy: "gates" });
    expect(decide.reopen(done, 0, 3).task).toMatchObject({
      state: "ready",
      failures: 0,
      lostLeases: 0,
      verifiedBy: null,
    });
    expect(decide.reopen(done, 2, 3).task).toMatchObject({ state: "pending", readyAtMs: null });
  });
});

test("a report changes only what it names", () => {
  const task = aTask({ state: "running", note: "n", percent: 3, outputs: { a: 1 } });
  expect(decide.withProgress(task, {}, 8)).toEqual({ ...task, progressAtMs: 8, updatedAtMs: 8 });
  const report = {
    percent: 9,
    note: "m",
    outputs: { b: 2 },
    artifacts: [{ name: "x", path: "y" }],
  };
  expect(decide.withProgress(task, report, 8)).toMatchObject({
    percent: 9,
    note: "m",
    outputs: { a: 1, b: 2 },
    artifacts: [{ name: "x", path: "y" }],
  });
});
