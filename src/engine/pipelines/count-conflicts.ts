import { findConflicts, type Merge } from "../../core/consensus/conflicts.ts";
import type { Pipeline } from "../../core/pipeline.ts";
import { recordedIn } from "../../core/topic-record.ts";
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
    const record = topic === undefined ? undefined : recordedIn(topic);
    if (topic === undefined || record === undefined) continue;
    const rounds = record.rounds.map((counted) => ({
      round: counted.round,
      supports: counted.first_preferences,
      voters: counted.cast - counted.abstained.length,
    }));
    count += findConflicts(await tx.solutions.ofTopic(topic.id), rounds, untried).length;
  }
  return count;
}
