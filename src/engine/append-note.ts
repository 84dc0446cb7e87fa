import { toIso } from "../core/iso-time.ts";
import type { Task } from "../core/task.ts";
import type { WriteContext } from "./call-context.ts";

/** The oldest part goes first when a task's notes grow longer. */
const NOTE_CHARACTERS = 8000;

/** Adds to what whoever works on the task will read, with who said it and when. */
export async function appendNote(
  ctx: WriteContext,
  task: Task,
  { from, text }: { from: string; text: string },
): Promise<Task> {
  const line = `[${toIso(ctx.nowMs)} ${from}] ${text}`;
  const note = keepEnd(task.note === null ? line : `${task.note}\n${line}`);
  const noted: Task = { ...task, note, updatedAtMs: ctx.nowMs };
  await ctx.tx.tasks.save(noted);
  ctx.effects.push({ type: "task", id: task.id, event: "noted", from });
  ctx.tx.wake();
  return noted;
}

function keepEnd(text: string): string {
  if (text.length <= NOTE_CHARACTERS) return text;
  // Half of a surrogate pair at the cut would be no text.
  return `…${text.slice(1 - NOTE_CHARACTERS).replace(/^[\uDC00-\uDFFF]/, "")}`;
}
