import type { Pipeline, RolePart } from "../../core/pipeline.ts";
import type { Task } from "../../core/task.ts";
import type { ReadTx } from "../../store/store.ts";
import type { JsonObject } from "../call.ts";

/** What a part has come to, in whatever picture of its task. */
const SEALED = [
  "note_from_last_holder",
  "outputs",
  "artifacts",
  "commit",
  "attempts",
  "gate_runs",
] as const;

/** While a run goes on nobody but its own agent sees what a part has come to: each is to think for itself. */
export function isSealed(
  { state }: Pipeline,
  { agent }: RolePart,
  reader: string | undefined,
): boolean {
  return state === "running" && reader !== undefined && reader !== agent;
}

/** A picture of a task, as this agent may see it; undefined for people. */
export async function sealPart(
  tx: ReadTx,
  { task, shown, reader }: { task: Task; shown: JsonObject; reader: string | undefined },
): Promise<JsonObject> {
  const { serves } = task.spec;
  const pipeline = serves === undefined ? undefined : await tx.pipelines.get(serves);
  const part = pipeline?.run.parts.find(({ taskId }) => taskId === task.id);
  if (pipeline === undefined || part === undefined || !isSealed(pipeline, part, reader))
    return shown;
  const sealed: ReadonlySet<string> = new Set(SEALED);
  return Object.fromEntries(Object.entries(shown).filter(([name]) => !sealed.has(name)));
}
