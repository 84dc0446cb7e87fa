import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { Project } from "../../app.ts";
import type { EngineDeps } from "../../engine/deps.ts";
import { textOf } from "../answer.ts";
import { put, withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { cannotWrite } from "../explain-error.ts";
import { readingPerson } from "../operator.ts";

const BATCH = 1000;

export async function exportLedger(cli: Cli): Promise<number>;
export async function exportLedger(cli: Cli, out: string): Promise<Report>;
export async function exportLedger(cli: Cli, out?: string): Promise<number | Report> {
  return await withProject(cli, async (project) => {
    const { deps } = project;
    if (out === undefined) {
      const { entries } = await recordExport(cli, project);
      await writeTo(Readable.from(exportedLines(deps, entries)), cli.stdout);
      return 0;
    }
    const file = resolve(cli.directory, out);
    const { entries, head } = await recordExport(cli, project, file);
    await writeFile(Readable.from(exportedLines(deps, entries)), file);
    return {
      json: { file, entries, ...(head === undefined ? {} : { head_hash: head }) },
      text: (view) => [
        ...view.sentence(`Wrote ${entries} entries.`),
        ...view.fields([["head", head]]),
        ...view.hint(`Check it anywhere: guvnor audit verify ${out}`),
      ],
    };
  });
}

/** The entry comes first: what was taken away is recorded even where writing it fails. */
async function recordExport(
  cli: Cli,
  project: Project,
  out?: string,
): Promise<{ entries: number; head: string | undefined }> {
  const person = await readingPerson(cli, project);
  const args = { format: "jsonl", ...(out === undefined ? {} : { out }) };
  const answer = await put(project, person, { operation: "audit_export", args });
  return { entries: Number(answer["entries"]), head: textOf(answer, "head_hash") };
}

/** One object a line with exactly seq, prev_hash, hash and body, up to the entry `last`. */
async function* exportedLines(
  { store, scope }: Pick<EngineDeps, "store" | "scope">,
  last: number,
): AsyncGenerator<string> {
  for (let next = 1; next <= last;) {
    const from = next;
    const limit = Math.min(BATCH, last - from + 1);
    const rows = await store.read(scope, async (tx) => await tx.audit.list(from, limit));
    if (rows.length === 0) return;
    yield rows
      .map(
        ({ seq, prevHash, hash, body }) =>
          `${JSON.stringify({ seq, prev_hash: prevHash, hash, body })}\n`,
      )
      .join("");
    next = (rows.at(-1)?.seq ?? last) + 1;
  }
}

/** stdout is not ours to end. */
async function writeTo(lines: Readable, stdout: NodeJS.WritableStream): Promise<void> {
  await pipeline(lines, stdout, { end: false });
}

async function writeFile(lines: Readable, file: string): Promise<void> {
  try {
    await pipeline(lines, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    throw cannotWrite(file, error);
  }
}
