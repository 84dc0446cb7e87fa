import { awaitsFallback, type Pipeline } from "../../core/pipeline.ts";
import type { ReadTx } from "../../store/store.ts";
import type { JsonObject } from "../call.ts";
import { iso, present } from "../task-view.ts";
import { countConflicts } from "./count-conflicts.ts";
import { describeRun } from "./describe-run.ts";
import { isSealed } from "./seal-parts.ts";

/** One line of a list. */
export function pipelineRow(pipeline: Pipeline): JsonObject {
  return present({
    id: pipeline.id,
    objective: pipeline.objective,
    state: pipeline.state,
    awaits: awaitsFallback(pipeline) ? "fallback" : null,
    run: pipeline.run.no,
    topic: pipeline.run.topicId,
    solution: pipeline.outcome?.solution,
    created_at: iso(pipeline.createdAtMs),
  });
}

/** All of it, for people; while a run goes on an agent does not see what others' parts have come to. */
export async function describePipeline(
  tx: ReadTx,
  pipeline: Pipeline,
  reader?: string,
): Promise<JsonObject> {
  const earlier: JsonObject[] = [];
  for (const run of pipeline.earlierRuns) earlier.push(await describeRun(tx, run, () => false));
  return present({
    ...pipelineRow(pipeline),
    template: pipeline.templateName,
    plan: pipeline.planId,
    subtasks: pipeline.subtasks.map(({ key }) => key),
    complexity: Math.round(pipeline.complexity * 1000) / 1000,
    complexity_unknown: pipeline.unknownTerms,
    conflicts: await countConflicts(tx, pipeline),
    tier: pipeline.tier,
    created_by: pipeline.createdBy,
    ended_at: pipeline.endedAtMs === null ? null : iso(pipeline.endedAtMs),
    current: await describeRun(tx, pipeline.run, (part) => isSealed(pipeline, part, reader)),
    earlier,
    outcome: pipeline.outcome === null ? null : present({ ...pipeline.outcome }),
    next: nextStep(pipeline),
  });
}

/** What a person, or whoever started it, does next. */
function nextStep(pipeline: Pipeline): string {
  const { id, outcome } = pipeline;
  if (awaitsFallback(pipeline)) {
    return `There is no consensus: a person goes on with guvnor pipeline fallback ${id} rerun_same, rerun_gamma, escalate_tier or accept_partial.`;
  }
  const solution = outcome?.solution ?? null;
  return {
    spawn: "Wait for it.",
    running: `Whoever can do an open part of it takes it with request_task. Watch it: get_status {"scope":"pipeline","id":"${id}"}.`,
    report: "Wait for it.",
    orchestrating: `Its topic decides, by a vote or with a mediator: read_board {"topic_id":"${pipeline.run.topicId ?? ""}"}.`,
    completed: solution === null ? "None of the solutions was chosen." : `Follow ${solution}.`,
    failed: `A person may go on with guvnor pipeline fallback ${id} rerun_same or rerun_gamma.`,
    revoked: "It is over.",
  }[pipeline.state];
}
