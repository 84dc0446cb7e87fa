import { createHash } from "node:crypto";

import { canonicalJson, type Json } from "./canonical-json.ts";
import { sealedFieldsOf } from "./sealed-fields.ts";

/** Fields of a call, or facts about it; undefined is as good as absent. */
export type Fields = Readonly<Record<string, Json | undefined>>;

/** How a field that counts is written into the subject. */
type Write = (value: Json) => Json;

const asItIs: Write = (value) => value;

/** An artifact is what it is called, where it lies and what is in it; the order does not matter. */
const artifacts: Write = (value) => {
  if (!isList(value)) return value;
  const items = value.map((item) => (isFields(item) ? pick(item, ARTIFACT) : item));
  return items.toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
};

const ARTIFACT: ReadonlyMap<string, Write> = new Map([
  ["name", asItIs],
  ["path", asItIs],
  ["sha256", asItIs],
]);

/** The fields that count, of tools where not all do. */
const COUNTING: ReadonlyMap<string, ReadonlyMap<string, Write>> = new Map([
  [
    "report_progress",
    // Not note, percent, outputs or fence: they may differ when the same result is reported again.
    new Map([
      ["task_id", asItIs],
      ["status", asItIs],
      ["commit", asItIs],
      ["artifacts", artifacts],
    ]),
  ],
]);

/** Of any other tool everything counts but these: they say how it is called, not what it does. */
const NEVER_COUNT: ReadonlySet<string> = new Set([
  "request_id",
  "wait_seconds",
  "session",
  "approval_id",
]);

/**
 * What exactly a person says yes or no to: the tool, and those fields of the call that make it this
 * action and no other. Two calls with the same subject are the same action; what runs is what was sent first. Of a ballot
 * only the topic counts: the agent's one vote on it.
 *
 * @param facts - What guvnor found out itself. A fact takes the place of the field of that name: the
 *   commit that was resolved counts, not the name it was given by; of artifacts the digests measured.
 *   Only facts that count for the tool get in, as for fields.
 */
export function subjectOf(tool: string, input: Fields, facts: Fields): Json {
  const given = { ...present(input), ...present(facts) };
  const counting = COUNTING.get(tool);
  if (counting !== undefined) return { tool, fields: pick(given, counting) };
  // The digest is in the ledger: what is sealed could be guessed from it.
  const sealed = sealedFieldsOf(tool);
  const all = Object.entries(given).filter(([name]) => !NEVER_COUNT.has(name) && !sealed.has(name));
  return { tool, fields: Object.fromEntries(all) };
}

/**
 * Lower-case hex SHA-256 of the subject's canonical JSON (UTF-8), which an approval is bound to.
 *
 * @throws {GuvnorError} `input_invalid` as canonicalJson does.
 */
export function subjectHash(subject: Json): string {
  return createHash("sha256").update(canonicalJson(subject), "utf8").digest("hex");
}

/** The fields that count, each as it is to be written. */
function pick(given: Fields, counting: ReadonlyMap<string, Write>): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    [...counting].flatMap(([name, write]) => {
      const value = given[name];
      return value === undefined ? [] : [[name, write(value)]];
    }),
  );
}

function present(fields: Fields): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export function isFields(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !isList(value);
}
