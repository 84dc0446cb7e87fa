import { z } from "zod";

import { compareSolutions } from "../board/compare-solutions.ts";
import { decideTopic, mediateTopic, withdrawTopic } from "../board/decide-topic.ts";
import { describeTopic, readerOf } from "../board/describe-topic.ts";
import { loadDeliberation } from "../board/move-topic.ts";
import { listTopics } from "../board/read-board.ts";
import { recomputeTopic } from "../board/recompute-topic.ts";
import { settleDueTopics } from "../board/settle-topics.ts";
import { requireTopic } from "../find-rows.ts";
import type { Operation } from "../operation.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const topicId = z.string().max(32);

const boardDecide = definePersonOperation({
  name: "board_decide",
  input: z.strictObject({
    topic_id: topicId,
    solution_id: z.string().max(32).optional(),
    none: z.boolean().optional(),
    reason: z.string().min(1).max(2000),
  }),
  handle: decideTopic,
});

const wordInput = z.strictObject({ topic_id: topicId, reason: z.string().min(1).max(2000) });

const boardWithdraw = definePersonOperation({
  name: "board_withdraw",
  input: wordInput,
  handle: withdrawTopic,
});

const boardMediate = definePersonOperation({
  name: "board_mediate",
  input: wordInput,
  handle: mediateTopic,
});

const boardList = definePersonOperation({
  name: "board_list",
  input: z.strictObject({
    state: z.enum(["proposing", "voting", "decided", "no_consensus", "withdrawn"]).optional(),
  }),
  handle: async (ctx, { state }) => {
    await settleDueTopics(ctx);
    const { rows, more } = await listTopics(ctx, state);
    return { answer: { topics: rows, ...(more ? { more } : {}) } };
  },
});

const boardShow = definePersonOperation({
  name: "board_show",
  input: z.strictObject({ topic_id: topicId }),
  prepare: async ({ deps }, { topic_id: id }) => {
    const merges = await compareSolutions(deps, id);
    return merges === undefined ? {} : { merges };
  },
  handle: async (ctx, { topic_id: id }) => {
    await settleDueTopics(ctx);
    const deliberation = await loadDeliberation(ctx.tx, await requireTopic(ctx, id));
    const answer = await describeTopic(ctx.tx, deliberation, {
      reader: readerOf(undefined),
      whole: true,
      merges: ctx.facts["merges"],
    });
    return { answer, target: deliberation.topic.id };
  },
});

const boardRecompute = definePersonOperation({
  name: "board_recompute",
  input: z.strictObject({ topic_id: topicId }),
  // The whole ledger may be read: not in a transaction that others wait for.
  prepare: async ({ deps }, { topic_id: id }) =>
    await deps.store.read(deps.scope, async (tx) => await recomputeTopic(tx, id)),
  handle: async (ctx, { topic_id: target }) => await Promise.resolve({ answer: ctx.facts, target }),
});

export const boardOperations: readonly Operation[] = [
  boardDecide,
  boardWithdraw,
  boardMediate,
  boardList,
  boardRecompute,
  boardShow,
];
