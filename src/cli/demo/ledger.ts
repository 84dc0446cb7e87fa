import { z } from "zod";

import { openProject, type Project } from "../../app.ts";
import { readConfig } from "../../config.ts";
import { createLogger } from "../logger.ts";

/** What one call or system act did to one thing; the fields depend on the thing. */
export type Effect = Readonly<Record<string, unknown>> & { readonly type: string };

/** One entry of the ledger, as far as the demo reads it. */
export interface Entry {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly principal: string;
  readonly action: string;
  readonly decision: string;
  readonly effects: readonly Effect[];
}

const lineSchema = z.object({
  seq: z.int(),
  prev_hash: z.string(),
  hash: z.string(),
  body: z.string(),
});

const bodySchema = z.object({
  at: z.iso.datetime(),
  actor: z.string(),
  principal: z.string(),
  action: z.string(),
  decision: z.string(),
  effects: z.array(z.looseObject({ type: z.string() })),
});

/** Reads what `guvnor audit export --format jsonl` printed. */
export function readExport(text: string): Entry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { seq, body } = lineSchema.parse(JSON.parse(line));
      return toEntry(seq, body);
    });
}

function toEntry(seq: number, body: string): Entry {
  const { at, ...rest } = bodySchema.parse(JSON.parse(body));
  return { seq, atMs: Date.parse(at), ...rest };
}

const RECHECK_MS = 1000;
const BATCH = 200;

export async function openLedger(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Project> {
  const log = createLogger("silent");
  return await openProject({ config: readConfig(env), directory, log });
}

/** Entries as they are written, from the first one on, until `signal`. Only looks: it serves nobody. */
export async function* followLedger(
  { deps }: Project,
  signal: AbortSignal,
): AsyncGenerator<Entry, void, void> {
  const watch = deps.store.watch();
  let next = 1;
  try {
    while (!signal.aborted) {
      const from = next;
      const rows = await deps.store.read(
        deps.scope,
        async (tx) => await tx.audit.list(from, BATCH),
      );
      for (const { seq, body } of rows) {
        next = seq + 1;
        yield toEntry(seq, body);
      }
      if (rows.length === 0) await watch.next(RECHECK_MS, signal);
    }
  } finally {
    watch.close();
  }
}
