import { z } from "zod";

import { VOTING_METHODS } from "../../core/board.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { FoundRecord } from "../../core/recount-topic.ts";
import type { ReadTx } from "../../store/store.ts";

const PAGE = 1000;
const names = z.array(z.string());
const method = z.enum(VOTING_METHODS);

const roundRecord = z.looseObject({
  round: z.int(),
  method,
  mediator: z.string().exactOptional(),
  solutions: z.array(
    z.object({
      id: z.string(),
      author: z.string(),
      created_at_ms: z.number(),
      files: z.int().exactOptional(),
    }),
  ),
  ballots: z.array(
    z.object({
      voter: z.string(),
      ranking: names,
      abstain: z.boolean(),
      veto: names.exactOptional(),
    }),
  ),
});

const rules = {
  electorate: names,
  quorum: z.int(),
  irreversible: z.boolean(),
  method: method.nullable(),
  veto: z.array(z.object({ role: z.string(), members: names })),
  models: z.record(z.string(), z.string()),
};

const effect = z.looseObject({ type: z.string(), id: z.string() });
const entry = z.object({ effects: z.array(effect) });
const opened = z.object(rules);
const proposed = z.object({ id: z.string(), author: z.string(), topic: z.string() });
const cast = z.object({ topic: z.string(), round: z.int(), voter: z.string() });
const closed = z.object({
  winner: z.string().nullable(),
  by: z.enum(["vote", "person"]),
  record: z.object({
    ...rules,
    mediated: z.string().exactOptional(),
    rounds: z.array(roundRecord),
  }),
});

/** What the ledger says of a topic, whatever the tables say. */
export interface TopicLedger {
  readonly opened: z.infer<typeof opened> | undefined;
  /** As voting opened: what was asked for, or what the number of solutions made of it. */
  readonly method: FoundRecord["method"];
  readonly authors: ReadonlyMap<string, string>;
  /** Those who cast a sealed ballot, by round, sorted. */
  readonly voters: ReadonlyMap<number, readonly string[]>;
  readonly closings: readonly Closing[];
}

export interface Closing {
  readonly seq: number;
  readonly by: "vote" | "person";
  readonly winner: string | null;
  readonly record: FoundRecord;
}

/** Reads the ledger from the topic's opening on. @throws {GuvnorError} `audit_broken` for what guvnor never writes. */
export async function readTopicLedger(tx: ReadTx, topicId: string): Promise<TopicLedger> {
  let openedAs: TopicLedger["opened"];
  let fixed: TopicLedger["method"] = null;
  const authors = new Map<string, string>();
  const voters = new Map<number, string[]>();
  const closings: Closing[] = [];
  for await (const { seq, effect: change } of effectsNaming(tx, topicId)) {
    const isProposed = change.type === "solution" && change["event"] === "proposed";
    if (isProposed && change["topic"] === topicId) {
      const { id, author } = readAs(proposed, change, seq);
      authors.set(id, author);
    }
    if (change.type === "ballot" && change["topic"] === topicId) {
      const { round, voter } = readAs(cast, change, seq);
      voters.set(round, [...(voters.get(round) ?? []), voter].toSorted());
    }
    if (change.type !== "topic" || change.id !== topicId) continue;
    if (change["event"] === "opened") openedAs = readAs(opened, change, seq);
    // With a mediator it is by the number of solutions.
    const isFirst = change["event"] === "voting_opened" && change["round"] === 1;
    if (isFirst) fixed = readAs(method, change["method"], seq);
    if (change["record"] !== undefined) closings.push({ seq, ...readAs(closed, change, seq) });
  }
  return { opened: openedAs, method: fixed, authors, voters, closings };
}

async function* effectsNaming(
  tx: ReadTx,
  topicId: string,
): AsyncGenerator<{ readonly seq: number; readonly effect: z.infer<typeof effect> }, void, void> {
  const name = `"${topicId}"`;
  // From the first one on: what guvnor opens by itself is in the entry of what it follows from.
  for (let from = 1; ; from += PAGE) {
    const rows = await tx.audit.list(from, PAGE);
    for (const { seq, body } of rows) {
      if (!body.includes(name)) continue;
      const { effects } = readAs(entry, JSON.parse(body), seq);
      for (const each of effects) yield { seq, effect: each };
    }
    if (rows.length < PAGE) return;
  }
}

function readAs<T>(schema: z.ZodType<T>, value: unknown, seq: number): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue === undefined ? "" : `: ${issue.path.map(String).join(".")} ${issue.message}`;
  throw new GuvnorError(
    "audit_broken",
    `Entry #${seq} is not as guvnor writes it${where}.`,
    "Check the ledger: guvnor audit verify",
  );
}
