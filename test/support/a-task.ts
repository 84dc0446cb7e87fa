import type { Task, TaskSpec } from "../../src/core/task.ts";
import { newTask } from "../../src/engine/new-task.ts";

/** A task with nothing special, but for what the test names. */
export function aTask(given: Partial<Task> = {}, spec: Partial<TaskSpec> = {}): Task {
  const placed = { id: "T1", planId: "P1", open: 0, createdBy: "ada", nowMs: 0 };
  const task = newTask({ key: "a", title: "A" }, placed);
  return { ...task, ...given, spec: { ...task.spec, ...spec } };
}
