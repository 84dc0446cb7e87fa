import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

import { z } from "zod";

import {
  type ChainedEntry,
  type ChainHead,
  checkChain,
  GENESIS_HASH,
} from "../core/audit-chain.ts";
import { GuvnorError } from "../core/errors.ts";
import type { EngineDeps } from "../engine/deps.ts";
import { systemCode } from "./explain-error.ts";

/** Rows a transaction reads; the whole ledger never lies in memory. */
const BATCH = 2000;

/** Told now and then how far it is; `total` only where it is known. */
export type OnProgress = (checked: number, total: number | undefined) => void;

/** Which entry does not hold; in an export it may be a line that is no entry. */
interface BrokenPlace {
  readonly seq?: number;
  /** From 1. */
  readonly line?: number;
  readonly problem: string;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
}

export interface LedgerCheck {
  /** Entries that hold. */
  readonly checked: number;
  /** The last one that holds. */
  readonly head: ChainHead;
  readonly broken?: BrokenPlace;
}

type Ledger = Pick<EngineDeps, "store" | "scope">;

/**
 * Walks the project's ledger to its end, and compares where it ends with the head that is kept
 * apart: entries cut off at the end are missed.
 * @param from - The entry before the first one to check; the start if omitted.
 */
export async function verifyStore(
  { store, scope }: Ledger,
  onProgress: OnProgress,
  from: ChainHead = START,
): Promise<LedgerCheck> {
  let check: LedgerCheck = { checked: 0, head: from };
  for (;;) {
    const next = check.head.seq + 1;
    const { head, rows } = await store.read(scope, async (tx) => ({
      head: (await tx.audit.head()) ?? START,
      rows: await tx.audit.list(next, BATCH),
    }));
    if (rows.length === 0) return compareHead(check, head);
    check = extend(check, rows);
    if (check.broken !== undefined) return check;
    onProgress(check.checked, head.seq);
  }
}

function compareHead(check: LedgerCheck, head: ChainHead): LedgerCheck {
  const { seq, hash } = check.head;
  if (seq === head.seq && hash === head.hash) return check;
  const message =
    seq < head.seq
      ? `The ledger ends with #${seq}, but #${head.seq} was written: entries were cut off.`
      : `The ledger ends with #${seq}, which is not what was written as its head (#${head.seq}).`;
  const broken = { seq: seq + 1, problem: "head_mismatch", message };
  return { ...check, broken: { ...broken, expected: head.hash, found: hash } };
}

const exportedLine = z.strictObject({
  seq: z.number(),
  prev_hash: z.string(),
  hash: z.string(),
  body: z.string(),
});

/**
 * Walks an export: one object a line with exactly seq, prev_hash, hash and body.
 * @throws {GuvnorError} `input_invalid` when the file cannot be read.
 */
export async function verifyExport(file: string, onProgress: OnProgress): Promise<LedgerCheck> {
  let check: LedgerCheck = { checked: 0, head: START };
  let batch: ChainedEntry[] = [];
  let line = 0;
  const settle = (): void => {
    const before = line - batch.length;
    check = extend(check, batch, before);
    batch = [];
    onProgress(check.checked, undefined);
  };
  try {
    const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
    for await (const text of lines) {
      const entry = readLine(text);
      if (typeof entry === "string" || batch.length >= BATCH) settle();
      if (check.broken !== undefined) return check;
      line += 1;
      if (typeof entry === "string") {
        const message = `Line ${line} ${entry}.`;
        return { ...check, broken: { line, problem: "no_entry", message } };
      }
      batch.push(entry);
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  settle();
  return check;
}

const START: ChainHead = { seq: 0, hash: GENESIS_HASH };

/** @param lineBefore - In an export: the line before the first of these. */
function extend(
  { checked, head }: LedgerCheck,
  entries: readonly ChainedEntry[],
  lineBefore?: number,
): LedgerCheck {
  const check = checkChain(entries, head);
  const sum = { checked: checked + check.checked, head: check.head };
  if (check.ok) return sum;
  const { index, ...broken } = check.broken;
  const line = lineBefore === undefined ? {} : { line: lineBefore + index + 1 };
  return { ...sum, broken: { ...broken, ...line } };
}

function readLine(text: string): ChainedEntry | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is not JSON";
  }
  const parsed = exportedLine.safeParse(value);
  if (!parsed.success) return "does not hold exactly seq, prev_hash, hash and body";
  const { seq, prev_hash: prevHash, hash, body } = parsed.data;
  return { seq, prevHash, hash, body };
}

function unreadable(file: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const message = `${file} cannot be read (${code}).`;
  return new GuvnorError("input_invalid", message, "Name an export of a ledger.", { cause: error });
}
