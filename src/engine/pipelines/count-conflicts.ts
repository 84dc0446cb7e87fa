import { findConflicts, type Merge } from "../../core/consensus/conflicts.ts";
import type { Pipeline } from "../../core/pipeline.ts";
import { isUnsealed } from "../../core/topic-decisions.ts";
import { votedFirst } from "../../core/topic-record.ts";
import type { ReadTx } from "../../store/store.ts";

const untried = (): Merge => "unknown";

/**
 * Conflicts of all runs so far whose vote is closed: what was voted for against one another, and of what
 * was changed whatever is known without git.
 */
export async function countConflicts(
  tx: ReadTx,
  { run, earlierRuns }: Pick<Pipeline, "run" | "earlierRuns">,
): Promise<number> {
  let count = 0;
  for (const { topicId } of [...earlierRuns, run]) {
    const topic = topicId === null ? undefined : await tx.topics.get(topicId);
    if (topic === undefined || !isUnsealed(topic)) continue;
    const solutions = await tx.solutions.ofTopic(topic.id);
    count += findConflicts(solutions, votedFirst(topic), untried).length;
  }
  return count;
}
