import type { Project } from "../../app.ts";
import type { JsonObject } from "../../engine/call.ts";
import type { AuditFilter, AuditRow } from "../../store/store.ts";
import { parseObject, wordOf } from "../answer.ts";
import { withProject } from "../ask-project.ts";
import { type Cli, jsonText, type Report } from "../cli.ts";
import type { Column } from "../text-layout.ts";
import type { View } from "../view.ts";

export interface TailOptions {
  readonly limit: number;
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly decision?: string;
  /** ms since 1970. */
  readonly since?: number;
  readonly follow?: true;
}

/** Entries that are read at once while following. */
const BATCH = 500;
/** What wakes waiting calls wakes this too; entries of calls that woke nobody come by this. */
const LOOK_MS = 1000;

export async function tailLedger(cli: Cli, options: TailOptions): Promise<Report> {
  return await withProject(cli, async (project) => {
    const entries = await lastEntries(project, options);
    const [first] = entries;
    return {
      json: { entries },
      text: (view) => [
        ...(first === undefined ? ["No entries."] : entryTable(view, entries)),
        ...(first === undefined
          ? []
          : view.hint(`Look at one: guvnor audit show ${wordOf(first, "seq")}`)),
      ],
    };
  });
}

/** Until SIGINT or SIGTERM. With --json each entry is a line of its own. */
export async function followLedger(cli: Cli, options: TailOptions): Promise<number> {
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return await withProject(cli, async (project) => {
    const { store, scope } = project.deps;
    // Watch first, then read: what is committed in between is not missed.
    const watch = store.watch();
    const print = printer(cli);
    try {
      const entries = await lastEntries(project, options);
      print(entries);
      let lastSeq = Number(entries.at(-1)?.["seq"] ?? 0);
      while (!stopping.signal.aborted) {
        const filter = { ...filterOf(options), afterSeq: lastSeq, limit: BATCH };
        const rows = await store.read(scope, async (tx) => await tx.audit.search(filter));
        print(rows.map(readEntry));
        lastSeq = rows.at(-1)?.seq ?? lastSeq;
        if (rows.length < BATCH) await watch.next(LOOK_MS, stopping.signal);
      }
    } finally {
      watch.close();
    }
    return 0;
  });
}

function printer(cli: Cli): (entries: readonly JsonObject[]) => void {
  let headed = false;
  return (entries) => {
    if (entries.length === 0) return;
    if (cli.json) {
      cli.stdout.write(entries.map((entry) => jsonText(entry, 0)).join(""));
      return;
    }
    const lines = entryTable(cli.view, entries, FOLLOWED_WIDTHS);
    cli.stdout.write(`${(headed ? lines.slice(1) : lines).join("\n")}\n`);
    headed = true;
  };
}

/** The newest ones, oldest first. */
async function lastEntries({ deps }: Project, options: TailOptions): Promise<JsonObject[]> {
  const filter = { ...filterOf(options), newestFirst: true, limit: options.limit };
  const rows = await deps.store.read(deps.scope, async (tx) => await tx.audit.search(filter));
  return rows.toReversed().map(readEntry);
}

function filterOf({
  actor,
  action,
  target,
  decision,
  since,
}: TailOptions): Omit<AuditFilter, "limit"> {
  return {
    ...(actor === undefined ? {} : { actor }),
    ...(action === undefined ? {} : { action }),
    ...(target === undefined ? {} : { target }),
    ...(decision === undefined ? {} : { decision }),
    ...(since === undefined ? {} : { sinceMs: since }),
  };
}

/** The body's fields beside the number; a body that somebody destroyed has none. */
function readEntry({ seq, body }: AuditRow): JsonObject {
  return { seq, ...parseObject(body) };
}

/** While following, entries that come later stand below the earlier ones. */
const FOLLOWED_WIDTHS = [6, 14, 12, 15, 6] as const;

function entryTable(
  view: View,
  entries: readonly JsonObject[],
  widths: readonly number[] = [],
): string[] {
  const titles = ["#", "TIME (UTC)", "ACTOR", "ACTION", "TARGET"];
  const columns = titles.map((title, at): Column => {
    const padded = title.padEnd(widths[at] ?? 0);
    return at === 0
      ? { title: title.padStart(widths[at] ?? 0), align: "right" }
      : { title: padded };
  });
  return view.table(
    [...columns, { title: "DECISION", stretch: true }],
    entries.map((entry) => [
      entry["seq"],
      timeOf(entry["at"]),
      entry["actor"],
      entry["action"],
      entry["target"],
      entry["reason"] === null
        ? entry["decision"]
        : `${wordOf(entry, "decision")}: ${wordOf(entry, "reason")}`,
    ]),
  );
}

/** "11-21 09:30:05". */
function timeOf(at: unknown): string {
  return typeof at === "string" ? at.slice(5, 19).replace("T", " ") : "";
}
