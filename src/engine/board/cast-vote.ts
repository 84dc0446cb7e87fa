import type { Ballot } from "../../core/board.ts";
import { validateBallot } from "../../core/consensus/ballots.ts";
import { GuvnorError } from "../../core/errors.ts";
import { requireMember, requireVeto, requireVoting } from "../../core/topic-decisions.ts";
import { callingAgent, type CallContext } from "../call-context.ts";
import { requireTopic } from "../find-rows.ts";
import type { Outcome } from "../operation.ts";
import { present } from "../task-view.ts";
import { countCast, describeDecision, nextStep } from "./describe-topic.ts";
import { dropOlderMessages, loadDeliberation } from "./move-topic.ts";
import { settleDueTopics, settleTopic } from "./settle-topics.ts";

export interface VoteCast {
  readonly topic_id: string;
  readonly ballot?: readonly string[] | undefined;
  readonly abstain?: boolean | undefined;
  /** Solutions that must not win. */
  readonly veto?: readonly string[] | undefined;
  readonly reason: string;
}

/** One ballot a member and round. The last one closes the vote. */
export async function castVote(ctx: CallContext, vote: VoteCast): Promise<Outcome> {
  const agent = callingAgent(ctx);
  await settleDueTopics(ctx);
  const topic = await requireTopic(ctx, vote.topic_id);
  requireMember(topic, agent.name);
  requireVoting(topic);
  const ballot = readBallot(vote);
  validateBallot(ballot, topic.ballotIds);
  if (ballot.veto.length > 0) requireVeto(topic, agent.name);
  const isFirst = await ctx.tx.ballots.insert({
    topicId: topic.id,
    round: topic.round,
    voter: agent.name,
    ...ballot,
    reason: vote.reason,
    castAtMs: ctx.nowMs,
  });
  if (!isFirst) throw alreadyVoted(topic.id);
  // Sealed: that a ballot was cast and by whom, never what is on it.
  ctx.effects.push({
    type: "ballot",
    id: `${topic.id}/${topic.round}/${agent.name}`,
    topic: topic.id,
    round: topic.round,
    voter: agent.name,
  });
  ctx.tx.wake();
  await dropOlderMessages(ctx, agent.name, topic.id);
  const now = await settleTopic(ctx, topic, agent.name);
  const deliberation = await loadDeliberation(ctx.tx, now);
  return {
    target: topic.id,
    answer: present({
      accepted: true,
      topic_id: topic.id,
      ballots: countCast(deliberation, topic.round),
      state: now.state,
      decision: describeDecision(now),
      next: nextStep(deliberation, agent.name),
    }),
  };
}

function readBallot({
  ballot,
  abstain = false,
  veto = [],
}: VoteCast): Pick<Ballot, "ranking" | "abstain" | "veto"> {
  if (ballot !== undefined || abstain) return { ranking: ballot ?? [], abstain, veto };
  throw new GuvnorError(
    "input_invalid",
    "There is no ballot.",
    "Send ballot with solution ids, best first ([] for none of them), or abstain: true.",
  );
}

function alreadyVoted(topicId: string): GuvnorError {
  return new GuvnorError(
    "already_voted",
    `You have voted on ${topicId}; a ballot cannot be changed.`,
    `Wait for the result with read_board {"topic_id":"${topicId}","wait_seconds":25}.`,
  );
}
