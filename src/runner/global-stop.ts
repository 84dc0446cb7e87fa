import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { z } from "zod";

import type { GlobalStop } from "../engine/ports.ts";

/** What `guvnor stop --all` leaves for every project of this user. */
const fileSchema = z.strictObject({
  state: z.enum(["stopped", "resumed"]),
  reason: z.string().max(2000),
  by: z.string().max(200),
  at_ms: z.int(),
  /** HMAC-SHA-256 with the operator's key, so that an agent's shell cannot write "resumed". */
  mac: z.string().max(64),
});

type StopFile = z.infer<typeof fileSchema>;

/**
 * Looks at the file at each call; it is read again only where it has changed.
 * @param readKey - The operator's key; undefined where there is none: then nothing is resumed by it.
 */
export function createGlobalStop(
  file: string,
  readKey: () => string | undefined,
): () => GlobalStop | undefined {
  let seen = "";
  let known: GlobalStop | undefined;
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    // One that vanishes does not resume: what has been stopped by it stays so.
    if (found === undefined) return undefined;
    const stamp = `${found.ino}:${found.mtimeMs}:${found.size}`;
    if (stamp !== seen) {
      known = parse(file, Math.floor(found.mtimeMs), readKey);
      seen = stamp;
    }
    return known;
  };
}

function parse(
  file: string,
  writtenMs: number,
  readKey: () => string | undefined,
): GlobalStop | undefined {
  const read = fileSchema.safeParse(jsonOf(readFileSync(file, "utf8")));
  // Whatever lies there, somebody wanted everything to stop.
  if (!read.success) {
    const reason = `${file} is there.`;
    return { state: "stopped", reason, by: "unknown", atMs: writtenMs, keyHash: null };
  }
  const { data } = read;
  const { state, reason, by, at_ms: atMs } = data;
  if (state === "stopped") return { state, reason, by, atMs, keyHash: null };
  const key = readKey();
  if (key === undefined || !isGenuine(data, key)) return undefined;
  return { state, reason, by, atMs, keyHash: createHash("sha256").update(key).digest("hex") };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Written aside and renamed: nobody reads half of it. */
export function writeGlobalStop(
  file: string,
  stop: Omit<StopFile, "mac">,
  key: string | undefined,
): void {
  // Each word is later than the one before, whatever the clock says by now.
  const last = lastWordMs(file);
  const word = { ...stop, at_ms: Math.max(stop.at_ms, last + 1) };
  const content: StopFile = { ...word, mac: key === undefined ? "" : macOf(word, key) };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  renameSync(aside, file);
}

function macOf({ state, reason, by, at_ms: atMs }: Omit<StopFile, "mac">, key: string): string {
  return createHmac("sha256", key)
    .update(JSON.stringify([state, reason, by, atMs]))
    .digest("hex");
}

function isGenuine(stop: StopFile, key: string): boolean {
  const expected = Buffer.from(macOf(stop, key));
  const given = Buffer.from(stop.mac);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** 0 where nothing was said, or nothing that can be read. */
function lastWordMs(file: string): number {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return 0;
  const read = fileSchema.safeParse(jsonOf(readFileSync(file, "utf8")));
  return read.success ? read.data.at_ms : 0;
}
