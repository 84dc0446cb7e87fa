import { readFileSync } from "node:fs";

import { parseObject, wordOf } from "./answer.ts";

/** As package.json says, which lies two levels above this file, in sources and when built. */
export function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return wordOf(parseObject(text) ?? {}, "version");
}
