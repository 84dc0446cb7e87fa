import type { Ballot, Topic } from "../../core/board.ts";
import { isMediating } from "../../core/mediation.ts";
import { takesBallots } from "../../core/topic-decisions.ts";
import type { TopicMove } from "../../core/topic-move.ts";
import { methodNow, rulesOf, votersOf, type Deliberation } from "../../core/topic-record.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { raiseEscalation } from "../escalations.ts";
import { cut, sendToInbox } from "../inbox.ts";
import { present } from "../task-view.ts";

const SUMMARY_CHARACTERS = 200;
/** More unread messages than this are not searched for older ones about the same topic. */
const UNREAD = 50;

export async function loadDeliberation(tx: ReadTx, topic: Topic): Promise<Deliberation> {
  const ballots: Ballot[] = [];
  for (let round = 1; round <= topic.round; round += 1) {
    ballots.push(...(await tx.ballots.ofTopic(topic.id, round)));
  }
  const mediator = await mediatorOf(tx, topic);
  const solutions = await tx.solutions.ofTopic(topic.id);
  return { topic, solutions, ballots, ...(mediator === undefined ? {} : { mediator }) };
}

/** Whoever runs the mediator's task while the topic waits for a word. */
async function mediatorOf(tx: ReadTx, topic: Topic): Promise<string | undefined> {
  const taskId = isMediating(topic) ? (topic.mediation?.taskId ?? null) : null;
  const task = taskId === null ? undefined : await tx.tasks.get(taskId);
  return task?.state === "running" ? (task.holder ?? undefined) : undefined;
}

/**
 * Writes what a decision made of a topic and tells everybody whom it concerns.
 *
 * @param actor - The agent whose call it is; the answer tells it, so the inbox need not.
 */
export async function saveTopicMove(
  ctx: WriteContext,
  from: Topic["state"] | null,
  move: TopicMove,
  actor: string | undefined,
): Promise<Topic> {
  await recordTopicMove(ctx, from, move);
  await announceTopicMove(ctx, move, actor);
  return move.topic;
}

/** The row and the ledger's part: once a topic is closed, everything that was counted. */
export async function recordTopicMove(
  ctx: WriteContext,
  from: Topic["state"] | null,
  { topic, event, why }: TopicMove,
): Promise<void> {
  await ctx.tx.topics.save(topic);
  ctx.effects.push({
    type: "topic",
    id: topic.id,
    event,
    from,
    to: topic.state,
    why,
    ...(event === "opened"
      ? {
          title: topic.title,
          ...rulesOf(topic),
          ...(topic.checks === null ? {} : { checks: topic.checks }),
        }
      : {}),
    ...(takesBallots(topic)
      ? {
          round: topic.round,
          method: methodNow(topic),
          on_ballot: topic.ballotIds,
        }
      : {}),
    ...(event === "voting_opened" ? { solutions: await namesOf(ctx.tx, topic) } : {}),
    ...(topic.mediation === null
      ? {}
      : present({ mediation: topic.mediation.taskId, mediator: topic.mediation.mediator })),
    ...(topic.decision === null
      ? {}
      : { winner: topic.decision.winner, by: topic.decision.by, record: topic.decision.tally }),
  });
  ctx.tx.wake();
}

/** What was proposed, for the ledger; the entries before hide it. */
async function namesOf(tx: ReadTx, { id }: Topic): Promise<readonly JsonObject[]> {
  const solutions = await tx.solutions.ofTopic(id);
  return solutions.map((each) => present({ id: each.id, title: each.title, commit: each.commit }));
}

/** The members hear of it and, where rules came to their end, a person is asked. */
export async function announceTopicMove(
  ctx: WriteContext,
  move: TopicMove,
  actor: string | undefined,
): Promise<void> {
  const { topic } = move;
  for (const member of audienceOf(topic)) {
    if (member !== actor) await tellMember(ctx, topic, { member, text: messageFor(move) });
  }
  if (move.ask !== undefined) await askPerson(ctx, move, move.ask);
}

/** Who did what a topic asked of it, or hears newer of it, need not read the older request. */
export async function dropOlderMessages(
  ctx: WriteContext,
  agent: string,
  topicId: string,
): Promise<void> {
  const older = (await ctx.tx.messages.waiting(agent, UNREAD)).filter(
    ({ kind, subject }) => kind === "topic" && subject === topicId,
  );
  if (older.length === 0) return;
  await ctx.tx.messages.acknowledge(
    agent,
    older.map(({ id }) => id),
    ctx.nowMs,
  );
}

/** The members, and when there is a result whoever asked for it. */
function audienceOf(topic: Topic): ReadonlySet<string> {
  const isOver = topic.decision !== null && !topic.openedBy.includes(":");
  return new Set(isOver ? [...votersOf(topic), topic.openedBy] : votersOf(topic));
}

async function tellMember(
  ctx: WriteContext,
  topic: Topic,
  { member, text }: { member: string; text: string },
): Promise<void> {
  await dropOlderMessages(ctx, member, topic.id);
  await sendToInbox(ctx, { to: member, from: "guvnor", kind: "topic", subject: topic.id, text });
}

function messageFor({ topic, event, why }: TopicMove): string {
  const read = `read_board {"topic_id":"${topic.id}"}`;
  const named = `${topic.id} "${topic.title}"`;
  return {
    opened: `Propose a solution for ${named}, or pass, with propose_solution; read it first: ${read}.`,
    voting_opened: `Vote on ${named}; read it first: ${read}.`,
    checks_awaited: `${named}: ${why} You vote when they have ended; read it then: ${read}.`,
    revote_opened: `Vote again on ${named}: ${why} Read it: ${read}.`,
    mediation_opened: `${named}: ${why} Go on with other work; you vote again on what it proposes. More: ${read}.`,
    decided: `${named} is decided: ${why} More: ${read}.`,
    awaits_person: `${named}: ${why} More: ${read}.`,
    no_consensus: `${named} has no consensus: ${why} A person decides. More: ${read}.`,
    withdrawn: `${named}: ${why}`,
  }[event];
}

async function askPerson(
  ctx: WriteContext,
  { topic, why }: TopicMove,
  ask: NonNullable<TopicMove["ask"]>,
): Promise<void> {
  const choices =
    topic.ballotIds.length === 0 ? "" : `On the ballot: ${topic.ballotIds.join(", ")}.\n`;
  await raiseEscalation(ctx, {
    ...ask,
    summary: cut(`${topic.id} "${topic.title}": ${why}`, SUMMARY_CHARACTERS),
    detail: `${why}\n${choices}Read it with: guvnor board show ${topic.id}\nDecide with: guvnor board decide ${topic.id} <solution> --reason "…"`,
    taskId: topic.taskId,
    topicId: topic.id,
    raisedBy: "guvnor",
    forPeople: true,
  });
}
