import type { Ballot, Solution, Topic, VotingMethod } from "../../core/board.ts";
import { formatId, parseId } from "../../core/ids.ts";
import {
  IN_SCOPE,
  insert,
  json,
  jsonOrNull,
  number,
  numberOrNull,
  text,
  textOrNull,
  upsert,
  type Sql,
  type SqlRow,
} from "../sql.ts";
import type { BallotTable, SolutionTable, TopicTable } from "../store.ts";

const GET_TOPIC = `select * from topic where ${IN_SCOPE} and id = @id`;
const LIST_TOPICS = `select * from topic where ${IN_SCOPE} order by id desc limit @max_rows`;
const LIST_TOPICS_IN = `select * from topic where ${IN_SCOPE} and state = @state order by id desc limit @max_rows`;
const DUE_TOPICS = `select * from topic where ${IN_SCOPE} and state in ('proposing', 'voting') and (
  (state = 'proposing' and propose_until_ms <= @now_ms) or (state = 'voting' and vote_until_ms <= @now_ms))
  order by id`;
const SAVE_TOPIC = upsert(
  "topic",
  ["id"],
  [
    "title",
    "problem",
    "state",
    "method",
    "electorate",
    "veto",
    "models",
    "quorum",
    "irreversible",
    "task_id",
    "opened_by",
    "created_at_ms",
    "propose_until_ms",
    "vote_until_ms",
    "vote_seconds",
    "ended_at_ms",
    "round",
    "ballot_ids",
    "passed",
    "decision",
    "earlier",
    "mediate",
    "mediation",
    "checks",
  ],
);

export function topicTable(sql: Sql): TopicTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET_TOPIC, { id: parseId("topic", id) ?? -1 });
      return row === undefined ? undefined : toTopic(row);
    },
    list: async (state, limit) => {
      const rows =
        state === undefined
          ? await sql.all(LIST_TOPICS, { max_rows: limit })
          : await sql.all(LIST_TOPICS_IN, { state, max_rows: limit });
      return rows.map(toTopic);
    },
    due: async (nowMs) => (await sql.all(DUE_TOPICS, { now_ms: nowMs })).map(toTopic),
    save: async (topic) => {
      await sql.run(SAVE_TOPIC, {
        id: parseId("topic", topic.id) ?? -1,
        title: topic.title,
        problem: topic.problem,
        state: topic.state,
        method: topic.method,
        electorate: JSON.stringify(topic.electorate),
        veto: JSON.stringify(topic.veto),
        models: JSON.stringify(topic.models),
        quorum: topic.quorum,
        irreversible: topic.irreversible ? 1 : 0,
        task_id: topic.taskId === null ? null : (parseId("task", topic.taskId) ?? -1),
        opened_by: topic.openedBy,
        created_at_ms: topic.createdAtMs,
        propose_until_ms: topic.proposeUntilMs,
        vote_until_ms: topic.voteUntilMs,
        vote_seconds: topic.voteSeconds,
        ended_at_ms: topic.endedAtMs,
        round: topic.round,
        ballot_ids: JSON.stringify(topic.ballotIds),
        passed: JSON.stringify(topic.passed),
        decision: topic.decision === null ? null : JSON.stringify(topic.decision),
        earlier: JSON.stringify(topic.earlier),
        mediate: topic.mediate,
        mediation: topic.mediation === null ? null : JSON.stringify(topic.mediation),
        checks: topic.checks === null ? null : JSON.stringify(topic.checks),
      });
    },
  };
}

function toTopic(row: SqlRow): Topic {
  const task = numberOrNull(row, "task_id");
  return {
    id: formatId("topic", number(row, "id")),
    title: text(row, "title"),
    problem: text(row, "problem"),
    state: text(row, "state") as Topic["state"],
    method: textOrNull(row, "method") as VotingMethod | null,
    electorate: json(row, "electorate"),
    veto: json(row, "veto"),
    models: json(row, "models"),
    quorum: number(row, "quorum"),
    irreversible: number(row, "irreversible") === 1,
    taskId: task === null ? null : formatId("task", task),
    openedBy: text(row, "opened_by"),
    createdAtMs: number(row, "created_at_ms"),
    proposeUntilMs: number(row, "propose_until_ms"),
    voteUntilMs: numberOrNull(row, "vote_until_ms"),
    voteSeconds: number(row, "vote_seconds"),
    endedAtMs: numberOrNull(row, "ended_at_ms"),
    round: number(row, "round"),
    ballotIds: json(row, "ballot_ids"),
    passed: json(row, "passed"),
    decision: jsonOrNull(row, "decision"),
    earlier: json(row, "earlier"),
    mediate: text(row, "mediate") as Topic["mediate"],
    mediation: jsonOrNull(row, "mediation"),
    checks: jsonOrNull(row, "checks"),
  };
}

const GET_SOLUTION = `select * from solution where ${IN_SCOPE} and id = @id`;
const SOLUTIONS_OF = `select * from solution where ${IN_SCOPE} and topic_id = @topic_id order by id`;
const SAVE_SOLUTION = upsert(
  "solution",
  ["id"],
  [
    "topic_id",
    "author",
    "title",
    "body",
    "commit_id",
    "files",
    "evidence",
    "confidence",
    "created_at_ms",
    "checks",
  ],
);

export function solutionTable(sql: Sql): SolutionTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET_SOLUTION, { id: parseId("solution", id) ?? -1 });
      return row === undefined ? undefined : toSolution(row);
    },
    ofTopic: async (topicId) =>
      (await sql.all(SOLUTIONS_OF, { topic_id: parseId("topic", topicId) ?? -1 })).map(toSolution),
    save: async (solution) => {
      await sql.run(SAVE_SOLUTION, {
        id: parseId("solution", solution.id) ?? -1,
        topic_id: parseId("topic", solution.topicId) ?? -1,
        author: solution.author,
        title: solution.title,
        body: solution.body,
        commit_id: solution.commit,
        files: JSON.stringify(solution.files),
        evidence: JSON.stringify(solution.evidence),
        confidence: solution.confidence,
        created_at_ms: solution.createdAtMs,
        checks: JSON.stringify(solution.checks),
      });
    },
  };
}

function toSolution(row: SqlRow): Solution {
  return {
    id: formatId("solution", number(row, "id")),
    topicId: formatId("topic", number(row, "topic_id")),
    author: text(row, "author"),
    title: text(row, "title"),
    body: text(row, "body"),
    commit: textOrNull(row, "commit_id"),
    files: json(row, "files"),
    evidence: json(row, "evidence"),
    confidence: numberOrNull(row, "confidence"),
    createdAtMs: number(row, "created_at_ms"),
    checks: json(row, "checks"),
  };
}

const BALLOTS_OF = `select * from ballot where ${IN_SCOPE} and topic_id = @topic_id and round = @round order by voter`;
const INSERT_BALLOT = `${insert("ballot", ["tenant", "project", "topic_id", "round", "voter", "ranking", "veto", "abstain", "reason", "cast_at_ms"])} on conflict do nothing`;

export function ballotTable(sql: Sql): BallotTable {
  return {
    ofTopic: async (topicId, round) =>
      (await sql.all(BALLOTS_OF, { topic_id: parseId("topic", topicId) ?? -1, round })).map(
        toBallot,
      ),
    insert: async (ballot) => {
      const changed = await sql.run(INSERT_BALLOT, {
        topic_id: parseId("topic", ballot.topicId) ?? -1,
        round: ballot.round,
        voter: ballot.voter,
        ranking: JSON.stringify(ballot.ranking),
        veto: JSON.stringify(ballot.veto),
        abstain: ballot.abstain ? 1 : 0,
        reason: ballot.reason,
        cast_at_ms: ballot.castAtMs,
      });
      return changed === 1;
    },
  };
}

function toBallot(row: SqlRow): Ballot {
  return {
    topicId: formatId("topic", number(row, "topic_id")),
    round: number(row, "round"),
    voter: text(row, "voter"),
    ranking: json(row, "ranking"),
    veto: json(row, "veto"),
    abstain: number(row, "abstain") === 1,
    reason: text(row, "reason"),
    castAtMs: number(row, "cast_at_ms"),
  };
}
