import type { Solution, Topic } from "../../core/board.ts";
import { GuvnorError } from "../../core/errors.ts";
import { formatId } from "../../core/ids.ts";
import { isMediating, requireMediator, withMediator } from "../../core/mediation.ts";
import { requireMember, requireProposing } from "../../core/topic-decisions.ts";
import { callingAgent, type CallContext, type WriteContext } from "../call-context.ts";
import { requireTopic } from "../find-rows.ts";
import type { Outcome } from "../operation.ts";
import { beginReview } from "../review.ts";
import { iso, present } from "../task-view.ts";
import { nextStep } from "./describe-topic.ts";
import { dropOlderMessages, loadDeliberation } from "./move-topic.ts";
import { settleDueTopics, settleTopic } from "./settle-topics.ts";

/** More could neither be read nor ranked with care. */
export const MAX_SOLUTIONS = 20;

export interface NewSolution {
  readonly title: string;
  readonly body: string;
  readonly commit?: string | undefined;
  readonly files?: readonly string[] | undefined;
  readonly evidence?: readonly string[] | undefined;
  /** 0 to 1. */
  readonly confidence?: number | undefined;
}

export interface Proposal extends Omit<NewSolution, "title" | "body"> {
  readonly topic_id: string;
  readonly title?: string | undefined;
  readonly body?: string | undefined;
  readonly pass?: boolean | undefined;
}

/** A member proposes or passes, or a mediator; when all have, voting opens before its time. */
export async function proposeSolution(ctx: CallContext, asked: Proposal): Promise<Outcome> {
  const agent = callingAgent(ctx);
  await settleDueTopics(ctx);
  const topic = await requireTopic(ctx, asked.topic_id);
  if (isMediating(topic)) {
    requireMediator(await loadDeliberation(ctx.tx, topic), agent.name);
  } else {
    requireMember(topic, agent.name);
    requireProposing(topic);
  }
  const solution =
    asked.pass === true
      ? undefined
      : await saveSolution(ctx, topic, await checked(ctx, topic, asked));
  const others = topic.passed.filter((name) => name !== agent.name);
  const passed = solution === undefined ? [...others, agent.name].toSorted() : others;
  const spoken = spokenBy(agent.name, { ...topic, passed });
  await ctx.tx.topics.save(spoken);
  if (solution === undefined) {
    ctx.effects.push({ type: "topic", id: topic.id, event: "passed", agent: agent.name });
  }
  ctx.tx.wake();
  await dropOlderMessages(ctx, agent.name, topic.id);
  await endMediatorsTask(ctx, spoken);
  const now = await settleTopic(ctx, spoken, agent.name);
  const deliberation = await loadDeliberation(ctx.tx, now);
  return {
    target: topic.id,
    answer: present({
      topic_id: topic.id,
      solution_id: solution?.id,
      passed: solution === undefined ? true : null,
      state: now.state,
      solutions: deliberation.solutions.length,
      propose_until: now.state === "proposing" ? iso(now.proposeUntilMs) : null,
      vote_until: now.voteUntilMs === null ? null : iso(now.voteUntilMs),
      next: nextStep(deliberation, agent.name),
    }),
  };
}

/** The word itself is what was asked of a mediator: there is nothing to measure. */
async function endMediatorsTask(ctx: CallContext, topic: Topic): Promise<void> {
  const taskId = isMediating(topic) ? (topic.mediation?.taskId ?? null) : null;
  const task = taskId === null ? undefined : await ctx.tx.tasks.get(taskId);
  if (task !== undefined) await beginReview(ctx, task, [], null);
}

function spokenBy(agent: string, topic: Topic): Topic {
  return isMediating(topic) ? withMediator(topic, agent) : topic;
}

async function checked(ctx: CallContext, topic: Topic, asked: Proposal): Promise<NewSolution> {
  const { title, body } = asked;
  if (title === undefined || body === undefined) {
    throw new GuvnorError(
      "input_invalid",
      "A solution needs a title and a body.",
      "Add them, or send pass: true to propose nothing.",
    );
  }
  const count = (await ctx.tx.solutions.ofTopic(topic.id)).length;
  if (!isMediating(topic) && count >= MAX_SOLUTIONS) {
    throw new GuvnorError(
      "state_conflict",
      `${topic.id} has ${count} solutions, the most a ballot may have.`,
      "Send pass: true and vote for one of them.",
    );
  }
  return { ...asked, title, body };
}

export async function saveSolution(
  ctx: WriteContext & Pick<CallContext, "actor">,
  topic: Topic,
  asked: NewSolution,
): Promise<Solution> {
  const solution: Solution = {
    id: formatId("solution", await ctx.tx.nextNumber("solution")),
    topicId: topic.id,
    author: ctx.actor,
    title: asked.title,
    body: asked.body,
    commit: asked.commit ?? null,
    files: asked.files ?? [],
    evidence: asked.evidence ?? [],
    confidence: asked.confidence ?? null,
    createdAtMs: ctx.nowMs,
  };
  await ctx.tx.solutions.save(solution);
  // What it says is told when voting opens: until then nobody shall copy from it.
  ctx.effects.push({
    type: "solution",
    id: solution.id,
    event: "proposed",
    topic: topic.id,
    author: solution.author,
  });
  return solution;
}
