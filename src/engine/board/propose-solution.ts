import type { Solution, Topic } from "../../core/board.ts";
import { GuvnorError } from "../../core/errors.ts";
import { formatId } from "../../core/ids.ts";
import { isMediating, requireMediator, withMediator } from "../../core/mediation.ts";
import { hasFailed, whyOff } from "../../core/solution-checks.ts";
import { requireMember, requireProposing } from "../../core/topic-decisions.ts";
import { callingAgent, type CallContext, type WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { requireTopic } from "../find-rows.ts";
import { queueCheck } from "../gate-runs.ts";
import type { Outcome, PrepareContext } from "../operation.ts";
import { beginReview } from "../review.ts";
import { iso, present } from "../task-view.ts";
import { checksOf, inspectSolution } from "./check-solution.ts";
import { describeChecks, nextStep } from "./describe-topic.ts";
import { dropOlderMessages, loadDeliberation } from "./move-topic.ts";
import { nextAfterFailure } from "./settle-checks.ts";
import { settleDueTopics, settleTopic } from "./settle-topics.ts";

/** More could neither be read nor ranked with care. */
export const MAX_SOLUTIONS = 20;
/** With those that failed their checks. */
const MAX_TRIES = 100;

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

/** What git says of it, where its topic asks for that. */
export async function prepareProposal(
  { deps }: PrepareContext,
  asked: Proposal,
): Promise<JsonObject> {
  const topic = await deps.store.read(
    deps.scope,
    async (tx) => await tx.topics.get(asked.topic_id),
  );
  const checks = topic?.checks ?? null;
  return checks === null || asked.pass === true ? {} : await inspectSolution(deps, checks, asked);
}

function refuseBoth({ pass, title, body, commit }: Proposal): void {
  const isProposed = [title, body, commit].some((each) => each !== undefined);
  if (pass !== true || !isProposed) return;
  throw new GuvnorError(
    "input_invalid",
    "This proposes and passes at once.",
    "Leave `pass` out to propose it, or give nothing but `pass`.",
  );
}

/** A member proposes or passes, or a mediator; when all have, voting opens before its time. */
export async function proposeSolution(ctx: CallContext, asked: Proposal): Promise<Outcome> {
  const agent = callingAgent(ctx);
  refuseBoth(asked);
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
  const spoken = spokenBy({ ...topic, passed }, { agent: agent.name, nowMs: ctx.nowMs });
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
      checks: solution === undefined ? null : describeChecks(solution),
      propose_until: now.state === "proposing" ? iso(now.proposeUntilMs) : null,
      vote_until: now.voteUntilMs === null ? null : iso(now.voteUntilMs),
      next:
        solution !== undefined && hasFailed(solution)
          ? `It cannot be voted on. ${whyOff(solution) ?? ""} ${nextAfterFailure(now)}`
          : nextStep(deliberation, agent.name),
    }),
  };
}

/** The word itself is what was asked of a mediator: there is nothing to measure. */
async function endMediatorsTask(ctx: CallContext, topic: Topic): Promise<void> {
  const taskId = isMediating(topic) ? (topic.mediation?.taskId ?? null) : null;
  const task = taskId === null ? undefined : await ctx.tx.tasks.get(taskId);
  if (task !== undefined) await beginReview(ctx, task, [], null);
}

function spokenBy(topic: Topic, { agent, nowMs }: { agent: string; nowMs: number }): Topic {
  return isMediating(topic) ? withMediator(topic, agent, nowMs) : topic;
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
  const all = await ctx.tx.solutions.ofTopic(topic.id);
  const count = all.filter((solution) => !hasFailed(solution)).length;
  if (!isMediating(topic) && (count >= MAX_SOLUTIONS || all.length >= MAX_TRIES)) {
    throw new GuvnorError(
      "state_conflict",
      count >= MAX_SOLUTIONS
        ? `${topic.id} has ${count} solutions, the most a ballot may have.`
        : `${topic.id} has had ${all.length} solutions, the most that are checked.`,
      "Send pass: true and vote for one of them.",
    );
  }
  return { ...asked, title, body };
}

export async function saveSolution(
  ctx: WriteContext & Pick<CallContext, "actor" | "facts">,
  topic: Topic,
  asked: NewSolution,
): Promise<Solution> {
  const { commit, checks } = checksOf(ctx, topic, asked.commit);
  const solution: Solution = {
    id: formatId("solution", await ctx.tx.nextNumber("solution")),
    topicId: topic.id,
    author: ctx.actor,
    title: asked.title,
    body: asked.body,
    commit,
    files: asked.files ?? [],
    evidence: asked.evidence ?? [],
    confidence: asked.confidence ?? null,
    createdAtMs: ctx.nowMs,
    checks,
  };
  await ctx.tx.solutions.save(solution);
  // What it says is told when voting opens: until then nobody shall copy from it.
  ctx.effects.push({
    type: "solution",
    id: solution.id,
    event: "proposed",
    topic: topic.id,
    author: solution.author,
    ...(hasFailed(solution) ? { off_ballot: whyOff(solution) } : {}),
  });
  // What is known against it is enough: the rest need not be measured.
  if (hasFailed(solution)) return solution;
  for (const { kind, name } of checks) if (kind === "gate") await queueCheck(ctx, solution, name);
  return solution;
}
