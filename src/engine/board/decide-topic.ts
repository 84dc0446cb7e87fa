import type { Topic } from "../../core/board.ts";
import { GuvnorError } from "../../core/errors.ts";
import { mayMediate } from "../../core/mediation.ts";
import { decideByPerson, withdraw } from "../../core/topic-decisions.ts";
import type { Deliberation } from "../../core/topic-record.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import { requireTopic } from "../find-rows.ts";
import type { Outcome } from "../operation.ts";
import { closeEscalation } from "../resolve-escalation.ts";
import { present } from "../task-view.ts";
import { forceMediation, possibleMediators } from "./advance-topic.ts";
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
  await answerEscalations(ctx, topic, { person, text: `${topic.id}: ${move.why}` });
  return outcomeFor({ ...deliberation, topic: decided });
}

/** A person takes the question back: nothing is decided, and nobody is asked any more. */
export async function withdrawTopic(
  ctx: CallContext,
  { topic_id: id, reason }: { readonly topic_id: string; readonly reason: string },
): Promise<Outcome> {
  const person = callingPerson(ctx);
  await settleDueTopics(ctx);
  const topic = await requireTopic(ctx, id);
  const deliberation = await loadDeliberation(ctx.tx, topic);
  const move = withdraw(deliberation, { person, reason }, ctx.nowMs);
  const withdrawn = await saveTopicMove(ctx, topic.state, move, undefined);
  await answerEscalations(ctx, topic, { person, text: `${topic.id}: ${move.why}` });
  return outcomeFor({ ...deliberation, topic: withdrawn });
}

/** A person asks for a mediator now, whatever the topic waits for. */
export async function mediateTopic(
  ctx: CallContext,
  { topic_id: id, reason }: { readonly topic_id: string; readonly reason: string },
): Promise<Outcome> {
  const person = callingPerson(ctx);
  await settleDueTopics(ctx);
  const topic = await requireTopic(ctx, id);
  if (!mayMediate(topic)) {
    const isAsked = topic.decision === null;
    throw new GuvnorError(
      "state_conflict",
      isAsked ? `A mediator was asked about ${id} already.` : `${id} is ${topic.state} already.`,
      `See how it stands: guvnor board show ${id}`,
    );
  }
  const deliberation = await loadDeliberation(ctx.tx, topic);
  if ((await possibleMediators(ctx, deliberation)).length === 0) {
    throw new GuvnorError(
      "state_conflict",
      `No agent is present that could mediate ${id}: all have a word in it.`,
      `Start another agent, or decide it: guvnor board decide ${id}`,
    );
  }
  const why = `${person} asked for a mediator: ${reason}`;
  const moved = await forceMediation(ctx, topic, why);
  return outcomeFor({ ...deliberation, topic: moved });
}

/** What was asked about a topic is answered with its end. */
async function answerEscalations(
  ctx: CallContext,
  topic: Topic,
  answer: { readonly person: string; readonly text: string },
): Promise<void> {
  for (const escalation of await ctx.tx.escalations.list(
    ["open", "acknowledged"],
    OPEN_ESCALATIONS,
  )) {
    if (escalation.topicId === topic.id) await closeEscalation(ctx, escalation, answer);
  }
}

function outcomeFor(deliberation: Deliberation): Outcome {
  const { topic } = deliberation;
  return {
    target: topic.id,
    answer: present({
      topic_id: topic.id,
      state: topic.state,
      decision: describeDecision(topic),
      next: nextStep(deliberation, undefined),
    }),
  };
}
