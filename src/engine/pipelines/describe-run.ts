import type { Topic } from "../../core/board.ts";
import type { PipelineRun, RolePart } from "../../core/pipeline.ts";
import type { ReadTx } from "../../store/store.ts";
import { describeDecision, untilOf } from "../board/describe-topic.ts";
import type { JsonObject } from "../call.ts";
import { cut } from "../inbox.ts";
import { iso, present } from "../task-view.ts";

const BODY_CHARACTERS = 1000;

/** What a run came to: who did what, what was on the board, and how it ended. */
export async function describeRun(
  tx: ReadTx,
  run: PipelineRun,
  isSealedPart: (part: RolePart) => boolean,
): Promise<JsonObject> {
  const topic = run.topicId === null ? undefined : await tx.topics.get(run.topicId);
  const solutions = topic === undefined ? [] : await tx.solutions.ofTopic(topic.id);
  const parts: JsonObject[] = [];
  for (const part of run.parts) {
    const { role, taskId, agent } = part;
    const task = await tx.tasks.get(taskId);
    const isHidden = isSealedPart(part);
    parts.push(
      present({
        role,
        task: taskId,
        state: task?.state,
        agent,
        commit: isHidden ? null : task?.commit,
        note:
          isHidden || task?.note === null || task === undefined
            ? null
            : cut(task.note, BODY_CHARACTERS),
      }),
    );
  }
  return present({
    run: run.no,
    started_at: iso(run.startedAtMs),
    deadline: iso(run.deadlineMs),
    parts,
    gamma_from_the_start: run.mediated,
    topic: topic?.id,
    topic_state: topic?.state,
    topic_until: topic === undefined ? null : untilOf(topic),
    mediation: topic === undefined ? null : await describeMediatorPart(tx, topic),
    solutions: solutions.map(({ id, author, title, body, commit }) =>
      present({ id, author, title, body: cut(body, BODY_CHARACTERS), commit }),
    ),
    decision: topic === undefined ? null : describeDecision(topic),
    failure: run.failure,
  });
}

/** GAMMA between the two: its task, and whoever took it. */
async function describeMediatorPart(
  tx: ReadTx,
  { mediation }: Topic,
): Promise<JsonObject | undefined> {
  if (mediation === null) return undefined;
  const task = mediation.taskId === null ? undefined : await tx.tasks.get(mediation.taskId);
  return present({
    task: task?.id,
    state: task?.state,
    agent: mediation.mediator ?? task?.holder,
  });
}
