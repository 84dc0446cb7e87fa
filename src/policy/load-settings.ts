import { isMap, isNode, LineCounter, parseDocument, type Document } from "yaml";
import { z } from "zod";

import { GuvnorError } from "../core/errors.ts";
import { parseGlob } from "../core/path-glob.ts";
import type { GateDefinition, ProjectSettings } from "../core/settings.ts";

const MAX_SOURCE_BYTES = 256 * 1024;
const UNITS = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
  ["GiB", 1024 ** 3],
]);

/** "10m" in milliseconds, "512MiB" in bytes. */
function inUnits(text: string): number {
  const [, count, unit] = /^([0-9]+)([A-Za-z]+)$/.exec(text) ?? [];
  return Number(count) * (UNITS.get(unit ?? "") ?? 1);
}

const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,8}(ms|s|m|h)$/, 'a duration such as "30s" or "10m"')
  .transform(inUnits)
  .refine((ms) => ms <= 24 * 3_600_000, "at most 24h");

const size = z
  .string()
  .regex(/^[1-9][0-9]{0,8}(KiB|MiB|GiB)$/, 'a size such as "512MiB"')
  .transform(inUnits);

const command = z.array(z.string().min(1).max(4096)).min(1).max(100);
const globs = z.array(z.string().min(1).max(1024)).max(200);
const gateName = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, "a–z, 0–9, _ and -, at most 40");

const gate = z.strictObject({
  run: command,
  timeout: duration.default(600_000),
  protected: globs.default([]),
  memory: size.default(2 * 1024 ** 3),
  output: size.default(16 * 1024 ** 2),
});

/** The whole of `guvnor.yaml`; the published JSON Schema is made from it. */
export const settingsSchema = z.strictObject({
  version: z.literal(1),
  profile: z.enum(["open", "standard", "strict"]).default("standard"),
  gates: z.record(gateName, gate).default({}),
  prepare: z
    .strictObject({ run: command, timeout: duration.default(600_000), key: globs.default([]) })
    .nullable()
    .default(null),
});

/**
 * Reads `guvnor.yaml`. Pure: the text comes in, the settings go out.
 * @param fileName - As errors should name it.
 * @throws {GuvnorError} `config_invalid` with file, line and column of the first thing that is wrong.
 */
export function loadSettings(source: string, fileName: string): ProjectSettings {
  if (source.length > MAX_SOURCE_BYTES) {
    throw invalid(`${fileName} has more than ${MAX_SOURCE_BYTES} characters.`);
  }
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw invalid(`${place(fileName, lines, problem.pos[0])} ${problem.message.split("\n")[0]}`);
  }
  const value = isMap(document.contents) ? toPlain(document, fileName) : {};
  const parsed = settingsSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = (issue?.path ?? []).filter((part) => typeof part !== "symbol");
    const offset = offsetOf(document, path);
    const where = path.length === 0 ? "" : `${path.join(".")}: `;
    throw invalid(`${place(fileName, lines, offset)} ${where}${issue?.message ?? "invalid"}`);
  }
  return toSettings(parsed.data, fileName);
}

function toSettings(file: z.infer<typeof settingsSchema>, fileName: string): ProjectSettings {
  const patterns = [
    ...Object.values(file.gates).flatMap((each) => each.protected),
    ...(file.prepare?.key ?? []),
  ];
  for (const pattern of patterns) {
    try {
      parseGlob(pattern);
    } catch (error) {
      const why = error instanceof GuvnorError ? error.message : String(error);
      throw invalid(`${fileName}: ${why}`);
    }
  }
  const gates = Object.entries(file.gates).map(([name, each]): [string, GateDefinition] => [
    name,
    {
      run: each.run,
      timeoutMs: each.timeout,
      protected: each.protected,
      maxMemoryBytes: each.memory,
      maxOutputBytes: each.output,
    },
  ]);
  const { prepare } = file;
  return {
    profile: file.profile,
    gates: Object.fromEntries(gates),
    prepare:
      prepare === null ? null : { run: prepare.run, timeoutMs: prepare.timeout, key: prepare.key },
  };
}

/** Aliases are what a YAML bomb is made of; settings need none. */
function toPlain(document: Document, fileName: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(`${fileName}: anchors and aliases are not allowed (${why}).`);
  }
}

/** Where in the text the value at `path` (or the nearest one above it) begins. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown =
      length === 0 ? document.contents : nodeAt(document, path.slice(0, length));
    if (isNode(node)) return node.range?.[0] ?? 0;
  }
  return 0;
}

function nodeAt(document: Document, path: readonly (string | number)[]): unknown {
  return document.getIn(path, true);
}

function place(fileName: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${fileName}:${line}:${col}:`;
}

function invalid(message: string): GuvnorError {
  return new GuvnorError(
    "config_invalid",
    message.slice(0, 1000),
    "Correct the file; what was applied before stays in force. docs/settings.md shows every field.",
  );
}
