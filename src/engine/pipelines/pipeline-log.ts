import type { Pipeline } from "../../core/pipeline.ts";
import type { ReadTx } from "../../store/store.ts";
import { describeTopic } from "../board/describe-topic.ts";
import { loadDeliberation } from "../board/move-topic.ts";
import type { JsonObject } from "../call.ts";
import { describePipeline } from "./describe-pipeline.ts";

/** Entries of one subject that are looked for; a pipeline has a few dozen. */
const MOST_ENTRIES = 10_000;

/** Everything about a pipeline, uncut: itself, its topics, and the ledger's entries about them. */
export async function pipelineLog(tx: ReadTx, pipeline: Pipeline): Promise<JsonObject> {
  const runs = [...pipeline.earlierRuns, pipeline.run];
  const topics: JsonObject[] = [];
  const subjects = [pipeline.id];
  for (const { topicId, parts } of runs) {
    subjects.push(...parts.map(({ taskId }) => taskId));
    const topic = topicId === null ? undefined : await tx.topics.get(topicId);
    if (topic === undefined) continue;
    subjects.push(topic.id);
    const deliberation = await loadDeliberation(tx, topic);
    topics.push(await describeTopic(tx, deliberation, { reader: { kind: "person" }, whole: true }));
  }
  const entries = new Map<number, JsonObject>();
  for (const target of subjects) {
    for (const { seq, hash, body } of await tx.audit.search({ target, limit: MOST_ENTRIES })) {
      entries.set(seq, { seq, hash, body });
    }
  }
  return {
    pipeline: await describePipeline(tx, pipeline),
    topics,
    entries: [...entries.values()].toSorted((a, b) => Number(a["seq"]) - Number(b["seq"])),
  };
}
