import { GuvnorError } from "../../core/errors.ts";
import { decideByPerson } from "../../core/topic-decisions.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import { requireTopic } from "../find-rows.ts";
import type { Outcome } from "../operation.ts";
import { closeEscalation } from "../resolve-escalation.ts";
import { describeDecision, nextStep } from "./describe-topic.ts";
import { loadDeliberation, saveTopicMove } from "./move-topic.ts";
import { settleDueTopics } from "./settle-topics.ts";

/** Unended escalations that are searched for those about a topic. */
const OPEN_ESCALATIONS = 1000;

export interface TopicDecision {
  readonly topic_id: string;
  readonly solution_id?: string | undefined;
  /** None of the solutions. */
  readonly none?: boolean | undefined;
  readonly reason: string;
}

/** A person's word ends a topic, whether the vote came to an end or not, and answers who asked for it. */
export async function decideTopic(ctx: CallContext, asked: TopicDecision): Promise<Outcome> {
  const person = callingPerson(ctx);
  const { solution_id: solutionId, none = false } = asked;
  if ((solutionId !== undefined) === none) {
    throw new GuvnorError(
      "input_invalid",
      "A decision names one solution, or says that it is none.",
      "Give either solution_id or none: true.",
    );
  }
  await settleDueTopics(ctx);
  const topic = await requireTopic(ctx, asked.topic_id);
  const deliberation = await loadDeliberation(ctx.tx, topic);
  const word = { winner: solutionId ?? null, person, reason: asked.reason };
  const move = decideByPerson(deliberation, word, ctx.nowMs);
  const decided = await saveTopicMove(ctx, topic.state, move, undefined);
  for (const escalation of await ctx.tx.escalations.list(
    ["open", "acknowledged"],
    OPEN_ESCALATIONS,
  )) {
    if (escalation.topicId !== topic.id) continue;
    const text = `${topic.id}: ${move.why}`;
    const resolution = { how: "decision", text, untilMs: null } as const;
    await closeEscalation(ctx, escalation, { by: person, resolution });
  }
  return {
    target: topic.id,
    answer: {
      topic_id: topic.id,
      state: decided.state,
      decision: describeDecision(decided),
      next: nextStep({ ...deliberation, topic: decided }, undefined),
    },
  };
}
