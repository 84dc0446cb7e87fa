import type { ReadTx } from "../store/store.ts";
import { dueTopics, settleDueTopics } from "./board/settle-topics.ts";
import type { WriteContext } from "./call-context.ts";
import { duePipelines, settlePipelines } from "./pipelines/settle-pipelines.ts";

/** Whether there is anything for settleDue to do; looked at without a lock. */
export async function isAnythingDue(tx: ReadTx, nowMs: number): Promise<boolean> {
  if ((await dueTopics(tx, nowMs)).length > 0) return true;
  return (await duePipelines(tx, nowMs)).length > 0;
}

/** What waited for a time that has come goes on. */
export async function settleDue(ctx: WriteContext): Promise<void> {
  await settleDueTopics(ctx);
  await settlePipelines(ctx);
}
