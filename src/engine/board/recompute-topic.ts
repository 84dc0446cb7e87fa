import { GuvnorError } from "../../core/errors.ts";
import {
  compare,
  recountTopic,
  type Difference,
  type FoundRecord,
} from "../../core/recount-topic.ts";
import type { ReadTx } from "../../store/store.ts";
import type { JsonObject } from "../call.ts";
import { present } from "../task-view.ts";
import { readTopicLedger, type Closing, type TopicLedger } from "./topic-ledger.ts";

/**
 * Counts a decision again from the ledger alone: each record it has of the topic must follow from its
 * own ballots, and agree with what was entered before it (the opening, who proposed, who voted).
 *
 * @throws {GuvnorError} `topic_not_found` where the ledger has no such topic, `state_conflict` while
 *   nothing is decided.
 */
export async function recomputeTopic(tx: ReadTx, topicId: string): Promise<JsonObject> {
  const ledger = await readTopicLedger(tx, topicId);
  if (ledger.opened === undefined) {
    throw new GuvnorError(
      "topic_not_found",
      `The ledger has no topic "${topicId.slice(0, 32)}".`,
      "List them with: guvnor board list",
    );
  }
  const last = ledger.closings.at(-1);
  if (last === undefined) {
    throw new GuvnorError(
      "state_conflict",
      `Nothing is decided on ${topicId} yet: its ballots are sealed.`,
      `Look again when it is: guvnor board show ${topicId}`,
    );
  }
  const differences = ledger.closings.flatMap((closing) => check(ledger, closing));
  return describe(topicId, last, differences);
}

type Found = Difference & { readonly entry: number };

function check(ledger: TopicLedger, closing: Closing): Found[] {
  const found = [...compareWithEntries(ledger, closing.record), ...recount(closing)];
  return found.map(({ field, recorded, counted }) => {
    return { entry: closing.seq, field, recorded, counted };
  });
}

function recount({ record, by, winner }: Closing): Difference[] {
  try {
    return recountTopic(record, { by, winner });
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    return [{ field: "rounds", recorded: "cannot be counted", counted: error.message }];
  }
}

/** What the record is counted from, as the entries before it have it. */
function compareWithEntries(ledger: TopicLedger, record: FoundRecord): Difference[] {
  const { rounds, mediated: _, ...rules } = record;
  const opened = { ...rules, ...ledger.opened };
  const method = ledger.method ?? ledger.opened?.method ?? null;
  const voters = rounds.flatMap(({ round, ballots }, index) =>
    compare(
      `rounds.${index}`,
      { voters: ballots.map(({ voter }) => voter).toSorted() },
      { voters: ledger.voters.get(round) ?? [] },
    ),
  );
  const authors = rounds.flatMap(({ solutions }, index) =>
    solutions.flatMap(({ id, author }) =>
      compare(`rounds.${index}.${id}`, { author }, { author: ledger.authors.get(id) }),
    ),
  );
  return [...compare("", rules, { ...opened, method }), ...voters, ...authors];
}

function describe(topicId: string, last: Closing, differences: readonly Found[]): JsonObject {
  const { seq, by, winner, record } = last;
  return present({
    topic_id: topicId,
    same: differences.length === 0,
    entry: seq,
    by,
    winner,
    rounds: record.rounds.map(({ round, method, winner: first, no_winner: why }) =>
      present({ round, method, winner: first, no_winner: why }),
    ),
    differences,
  });
}
