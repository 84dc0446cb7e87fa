import { expect } from "vitest";

import { displayWidth } from "../../src/cli/text-layout.ts";
import type { Sandbox } from "./sandbox.ts";

/** Colours, cursor movement, a window title, a C1 introducer, a bell and text turned around. */
export const HOSTILE = "red\u001B[31m \u001B[2J\u001B]0;owned\u0007 \u009B1A\u0007 a\u202Eb";
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

/** A command that succeeds, as people and as programs read it. @returns what people read. */
export async function expectReadable(
  sandbox: Sandbox,
  args: readonly string[],
  code = 0,
): Promise<string> {
  const [text, json] = await Promise.all([
    sandbox.guvnor(...args),
    sandbox.guvnor(...args, "--json"),
  ]);
  expect(text).toMatchObject({ code, stderr: "" });
  expectSafe(text.stdout);
  expect(json).toMatchObject({ code, stderr: "" });
  expect(json.stdout).not.toMatch(UNSAFE);
  expect(typeof JSON.parse(json.stdout)).toBe("object");
  return text.stdout;
}

/** No terminal obeys it, and it fits a small one. */
export function expectSafe(text: string): void {
  expect(text).not.toMatch(UNSAFE);
  // Paths stand alone on their lines, whole.
  const lines = text.trimEnd().split("\n");
  expect(lines.filter((line) => displayWidth(line) > 80 && !/^ +\/\S+$/.test(line))).toEqual([]);
}
