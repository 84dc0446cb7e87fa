import { formatId, parseId } from "../../core/ids.ts";
import type { Pipeline } from "../../core/pipeline.ts";
import { IN_SCOPE, json, number, text, upsert, type Sql, type SqlRow } from "../sql.ts";
import type { PipelineTable } from "../store.ts";

const SAVE = upsert("pipeline", ["id"], ["state", "topic_id", "body"]);
const GET = `select * from pipeline where ${IN_SCOPE} and id = @id`;
const BY_TOPIC = `select * from pipeline where ${IN_SCOPE} and topic_id = @topic_id`;
const OPEN = `select * from pipeline where ${IN_SCOPE} and state in ('running', 'orchestrating') order by id`;
const LIST = `select * from pipeline where ${IN_SCOPE} order by id desc limit @max_rows`;

export function pipelineTable(sql: Sql): PipelineTable {
  return {
    get: async (id) => {
      const row = await sql.get(GET, { id: parseId("pipeline", id) ?? -1 });
      return row === undefined ? undefined : toPipeline(row);
    },
    ofTopic: async (topicId) => {
      const row = await sql.get(BY_TOPIC, { topic_id: parseId("topic", topicId) ?? -1 });
      return row === undefined ? undefined : toPipeline(row);
    },
    open: async () => (await sql.all(OPEN, {})).map(toPipeline),
    list: async (limit) => (await sql.all(LIST, { max_rows: limit })).map(toPipeline),
    save: async ({ id, state, ...body }) => {
      const { topicId } = body.run;
      await sql.run(SAVE, {
        id: parseId("pipeline", id) ?? -1,
        state,
        topic_id: topicId === null ? null : (parseId("topic", topicId) ?? -1),
        body: JSON.stringify(body),
      });
    },
  };
}

function toPipeline(row: SqlRow): Pipeline {
  return {
    ...json<Omit<Pipeline, "id" | "state">>(row, "body"),
    id: formatId("pipeline", number(row, "id")),
    state: text(row, "state") as Pipeline["state"],
  };
}
