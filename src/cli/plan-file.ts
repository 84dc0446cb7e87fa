import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { parseDocument } from "yaml";

import { GuvnorError } from "../core/errors.ts";
import type { JsonObject } from "../engine/call.ts";
import { isObject } from "./answer.ts";
import type { Cli } from "./cli.ts";
import { systemCode } from "./explain-error.ts";

/** As many bytes as a tool call may have. */
const MAX_PLAN_BYTES = 8 * 1024 * 1024;

/** A plan in submit_plan's shape, from a file or, for "-", from stdin. @throws {GuvnorError} `input_invalid`. */
export async function readPlanFile(cli: Cli, file: string): Promise<JsonObject> {
  return parsePlan(await readPlanText(cli, file), file);
}

async function readPlanText(cli: Cli, file: string): Promise<string> {
  if (file === "-") return await readAll(cli);
  try {
    return await readFile(resolve(cli.directory, file), "utf8");
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw invalid(`${file} cannot be read (${String(systemCode(error))}).`, error);
  }
}

async function readAll({ stdin }: Cli): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_PLAN_BYTES) throw invalid("What came on stdin is larger than 8 MiB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** JSON is YAML too. Aliases are refused: they are what a YAML bomb is made of. */
function parsePlan(text: string, file: string): JsonObject {
  if (text.length > MAX_PLAN_BYTES) throw invalid(`${file} is larger than 8 MiB.`);
  const document = parseDocument(text, { uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const [first = ""] = problem.message.split("\n");
    throw invalid(`${file} is neither YAML nor JSON: ${first}`);
  }
  const value = withoutAliases((): unknown => document.toJS({ maxAliasCount: 0 }), file);
  if (isObject(value)) return value;
  throw invalid(`${file} holds no plan.`);
}

function withoutAliases<T>(convert: () => T, file: string): T {
  try {
    return convert();
  } catch (error) {
    throw invalid(`${file}: anchors and aliases are not allowed.`, error);
  }
}

function invalid(message: string, cause?: unknown): GuvnorError {
  return new GuvnorError(
    "input_invalid",
    message,
    'Give a title and tasks: {"title": "…", "tasks": [{"key": "a", "title": "…"}]}.',
    { cause },
  );
}
