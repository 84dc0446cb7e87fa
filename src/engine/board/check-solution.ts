import { z } from "zod";

import type { SolutionCheck, Topic, TopicChecks } from "../../core/board.ts";
import { toJson } from "../../core/canonical-json.ts";
import { findInputProblem } from "../../core/check-input.ts";
import { GuvnorError } from "../../core/errors.ts";
import { findMismatch, findSchemaProblem, type JsonSchema } from "../../core/json-schema.ts";
import type { CallContext, WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import type { EngineDeps } from "../deps.ts";
import type { GitPort } from "../ports.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";

/** A JSON file longer than this is no evidence that anybody reads. */
const MAX_JSON_BYTES = 256 * 1024;
const JSON_LIMITS = { maxDepth: 32, maxValues: 5000 };
const MAX_SCHEMA_LENGTH = 8000;
const NOT_JSON = "it is not JSON";

/** What a topic asks of its solutions, as it was called. */
export interface ChecksAsked {
  readonly gates?: readonly string[] | undefined;
  readonly files?: readonly string[] | undefined;
  readonly schema?: Readonly<Record<string, unknown>> | undefined;
}

/** What is known of a solution before its call's transaction. */
const foundFacts = z.object({
  /** The full id; null for what names no commit. */
  commit: z.string().nullable(),
  checks: z.array(
    z.object({
      kind: z.enum(["file", "schema"]),
      name: z.string(),
      state: z.enum(["pass", "fail"]),
      why: z.string().nullable(),
    }),
  ),
});

/**
 * The checks of a new topic; null where there are none.
 *
 * @throws {GuvnorError} `input_invalid` for a gate that is not in force, a schema that cannot be used,
 *   or options beside them.
 */
export async function readChecks(
  ctx: WriteContext & Pick<CallContext, "facts">,
  asked: ChecksAsked | undefined,
  hasOptions: boolean,
): Promise<TopicChecks | null> {
  const { gates = [], files = [], schema = null } = asked ?? {};
  if (gates.length === 0 && files.length === 0 && schema === null) return null;
  if (hasOptions) {
    throw new GuvnorError(
      "input_invalid",
      "Options cannot be checked: they name no commit and no evidence.",
      "Leave out options, so that members propose; or leave out checks.",
    );
  }
  if (gates.length + files.length > 0 && ctx.deps.git === undefined) {
    throw new GuvnorError(
      "git_unavailable",
      "This project is not in git, so there are no commits to check.",
      "Leave out checks.gates and checks.files.",
    );
  }
  const outside = files.find((path) => /^\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(path));
  if (outside !== undefined) {
    throw new GuvnorError(
      "input_invalid",
      `checks.files names ${outside}, which is no path in a commit.`,
      "Name paths from the repository's root, such as src/parser.ts.",
    );
  }
  const known = Object.keys((await rulesInForce(ctx)).settings.gates);
  const unknown = gates.filter((gate) => !known.includes(gate));
  if (unknown.length > 0) {
    throw new GuvnorError(
      "input_invalid",
      `No gate ${unknown.join(", ")} is in force.`,
      known.length === 0 ? "Leave out checks.gates." : `Name some of ${known.join(", ")}.`,
    );
  }
  if (schema !== null) requireSchema(schema);
  return { gates: unique(gates), files: unique(files), schema, waitingSinceMs: null };
}

/** Before the call's transaction: what git and the schema say of a solution. */
export async function inspectSolution(
  deps: EngineDeps,
  checks: TopicChecks,
  solution: {
    readonly commit?: string | undefined;
    readonly evidence?: readonly string[] | undefined;
  },
): Promise<JsonObject> {
  const { git } = deps;
  const { files, schema } = checks;
  const commit =
    git === undefined || solution.commit === undefined
      ? null
      : ((await git.resolveCommit(solution.commit)) ?? null);
  const found: SolutionCheck[] = [];
  if (git !== undefined && commit !== null) found.push(...(await checkFiles(git, commit, files)));
  if (schema !== null) {
    const texts = await textsFor(git, checks, { commit, evidence: solution.evidence ?? [] });
    found.push(...texts.map((each) => checkText(schema, each)));
  }
  return { commit, checks: toJson(found) };
}

/** The commit that counts, and what is known and what is to be measured of it. */
export function checksOf(
  { facts }: Pick<CallContext, "facts">,
  topic: Topic,
  commit: string | undefined,
): { readonly commit: string | null; readonly checks: readonly SolutionCheck[] } {
  if (topic.checks === null) return { commit: commit ?? null, checks: [] };
  const { data: found } = foundFacts.safeParse(facts);
  if (found === undefined) {
    throw new GuvnorError(
      "state_conflict",
      `${topic.id} was opened while this call was on its way, so nothing was looked at.`,
      "Call propose_solution again.",
    );
  }
  const { gates, files } = topic.checks;
  if (gates.length + files.length > 0 && found.commit === null) {
    const asked = [...gates.map((gate) => `the gate ${gate}`), ...files].join(", ");
    throw new GuvnorError(
      "input_invalid",
      commit === undefined
        ? `${topic.id} checks commits (${asked}), and this solution names none.`
        : `"${commit.slice(0, 64)}" is no commit of this repository.`,
      "Commit your work in a worktree of this repository and send that commit, or send pass: true.",
    );
  }
  const waiting = gates.map((name) => {
    return { kind: "gate", name, state: "waiting", why: null } as const;
  });
  return { commit: found.commit ?? commit ?? null, checks: [...found.checks, ...waiting] };
}

async function checkFiles(
  git: GitPort,
  commit: string,
  files: readonly string[],
): Promise<readonly SolutionCheck[]> {
  const there = new Set(await git.filesIn(commit, files));
  return files.map((name) =>
    there.has(name)
      ? { kind: "file", name, state: "pass", why: null }
      : { kind: "file", name, state: "fail", why: "it is not in the commit." },
  );
}

interface NamedTexts {
  readonly name: string;
  /** One of them must match. */
  readonly texts: readonly string[];
}

/** Each JSON file that the topic asks for; where it asks for none, the evidence as a whole. */
async function textsFor(
  git: GitPort | undefined,
  { files }: TopicChecks,
  { commit, evidence }: { commit: string | null; evidence: readonly string[] },
): Promise<readonly NamedTexts[]> {
  const documents = files.filter((path) => path.endsWith(".json"));
  if (documents.length === 0) return [{ name: "evidence", texts: evidence }];
  const named: NamedTexts[] = [];
  for (const name of documents) {
    const text =
      git === undefined || commit === null
        ? undefined
        : await git.readFile(commit, name, MAX_JSON_BYTES);
    named.push({ name, texts: text === undefined ? [] : [text] });
  }
  return named;
}

function checkText(schema: JsonSchema, named: NamedTexts): SolutionCheck {
  const { name, texts } = named;
  const mismatches = texts.map((text) => findTextMismatch(schema, text));
  if (mismatches.includes(undefined)) return { kind: "schema", name, state: "pass", why: null };
  // An entry that is JSON says more than one that is prose.
  const why =
    mismatches.find((each) => each !== NOT_JSON) ?? mismatches[0] ?? "there is nothing to read";
  return { kind: "schema", name, state: "fail", why: `${name}: ${why}.` };
}

function findTextMismatch(schema: JsonSchema, text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
  return findInputProblem(value, JSON_LIMITS)?.message ?? findMismatch(schema, value);
}

/** @throws {GuvnorError} `input_invalid`. */
function requireSchema(schema: JsonSchema): void {
  const problem =
    JSON.stringify(schema).length > MAX_SCHEMA_LENGTH
      ? `it is longer than ${MAX_SCHEMA_LENGTH} characters`
      : findSchemaProblem(schema);
  if (problem === undefined) return;
  throw new GuvnorError(
    "input_invalid",
    `checks.schema cannot be used: ${problem}.`,
    "Use type, enum, const, properties, required, additionalProperties, items, bounds, and allOf, anyOf, oneOf, not.",
  );
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
