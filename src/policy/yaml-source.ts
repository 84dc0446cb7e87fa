import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
} from "yaml";

import { findInputProblem } from "../core/check-input.ts";
import { configInvalid } from "./config-invalid.ts";
import { offsetInScalar } from "./scalar-offset.ts";

export type YamlPath = readonly (string | number)[];

/** A file of a person's, read, with the way back to its lines. */
export interface YamlSource {
  readonly value: unknown;
  /**
   * "guvnor.yaml:3:7": where the value at `path`, or the nearest one above it, begins; with an
   * offset, where that character of the text there stands.
   */
  place(path: YamlPath, offset?: number): string;
  /** Where the last key of the path stands. */
  placeOfKey(path: YamlPath): string;
}

const MAX_SOURCE_CHARACTERS = 256 * 1024;

/**
 * Reads YAML 1.2 as plain JSON. Anchors, aliases (a YAML bomb is made of them), tags of one's own and
 * keys that are no texts are refused: settings need none of them.
 * @param fileName - As errors should name it.
 * @throws {GuvnorError} `config_invalid` with file, line and column of the first thing that is wrong.
 */
export function readYaml(source: string, fileName: string): YamlSource {
  if (source.length > MAX_SOURCE_CHARACTERS) {
    const message = `${fileName} has more than ${MAX_SOURCE_CHARACTERS} characters.`;
    throw configInvalid([{ place: "", path: "", message }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(source, {
    lineCounter: lines,
    uniqueKeys: true,
    logLevel: "error",
  });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const problem = firstProblem(document);
  if (problem !== undefined) {
    throw configInvalid([{ place: at(problem.offset), path: "", message: problem.message }]);
  }
  const value: unknown = document.contents === null ? {} : document.toJS();
  const unfit = findInputProblem(value);
  if (unfit !== undefined) {
    throw configInvalid([{ place: at(0), path: "", message: unfit.message }]);
  }
  return {
    value,
    place: (path, offset) => at(offsetOf(document, source, { path, offset })),
    placeOfKey: (path) => at(offsetOfKey(document, path)),
  };
}

interface Problem {
  readonly offset: number;
  readonly message: string;
}

function firstProblem(document: Document): Problem | undefined {
  const [issue] = [...document.errors, ...document.warnings];
  if (issue === undefined) return findForbidden(document);
  if (issue.code === "MULTIPLE_DOCS") {
    return { offset: issue.pos[0], message: "a second document (---) is not allowed" };
  }
  const [first = ""] = issue.message.split(" at line ");
  const [line = ""] = first.split("\n");
  const message = line.startsWith("Maximum call stack") ? "is nested too deeply" : line;
  return { offset: issue.pos[0], message };
}

function findForbidden(document: Document): Problem | undefined {
  let found: Problem | undefined;
  const refuse = (node: { range?: readonly number[] | null }, message: string): symbol => {
    found = { offset: node.range?.[0] ?? 0, message };
    return visit.BREAK;
  };
  visit(document, {
    Node: (key, node) => {
      if (isAlias(node) || node.anchor !== undefined) {
        return refuse(node, "anchors and aliases are not allowed");
      }
      if (node.tag?.startsWith("tag:yaml.org,2002:") === false || node.tag?.endsWith("binary")) {
        return refuse(node, "tags are not allowed");
      }
      const isText = isScalar(node) && typeof node.value === "string";
      return key === "key" && !isText ? refuse(node, "a key has to be a text") : undefined;
    },
  });
  return found;
}

function offsetOf(
  document: Document,
  source: string,
  { path, offset }: { path: YamlPath; offset: number | undefined },
): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown =
      length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isScalar(node) && offset !== undefined && length === path.length) {
      return offsetInScalar(source, node, offset);
    }
    if (isNode(node)) return node.range?.[0] ?? 0;
  }
  return 0;
}

function offsetOfKey(document: Document, path: YamlPath): number {
  const parent: unknown = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1));
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1),
    );
    if (isNode(pair?.key)) return pair.key.range?.[0] ?? 0;
  }
  return offsetOf(document, "", { path, offset: undefined });
}
