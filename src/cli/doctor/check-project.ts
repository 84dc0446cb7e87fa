import { inspectDatabase, type Project } from "../../app.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { ProjectPaths } from "../../project-paths.ts";
import { SCHEMA_NUMBER } from "../../store/migrations/migrations.ts";
import { settingsAdvice, settingsState } from "../settings-state.ts";
import { verifyStore } from "../verify-ledger.ts";
import { type Check, fail, ok, warn } from "./check.ts";

/** Entries at the end of the ledger that doctor checks; `audit verify` checks all. */
const LAST_ENTRIES = 1000;

export function checkPlace(paths: ProjectPaths): Check {
  const where = paths.commonDir === null ? "outside git" : `of ${paths.commonDir}`;
  return ok("project", `${paths.name}, data in ${paths.dataDir} (${where})`);
}

/** Before anything opens it for writing. */
export async function checkDatabaseFile({ databaseFile }: ProjectPaths): Promise<Check[]> {
  try {
    const { schema, integrity } = await inspectDatabase(databaseFile);
    const restore = "Stop all agents and put a backup of the data directory back.";
    return [
      checkSchema(schema),
      integrity === "ok"
        ? ok("database", `${databaseFile}, quick check passed`)
        : fail("database", integrity, restore),
    ];
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    return [fail("database", error.message, error.fix)];
  }
}

function checkSchema(schema: number): Check {
  if (schema > SCHEMA_NUMBER) {
    const found = `${schema}; this guvnor knows up to ${SCHEMA_NUMBER}`;
    return fail("schema", found, "Upgrade this guvnor.");
  }
  return ok("schema", schema < SCHEMA_NUMBER ? `${schema}, was upgraded just now` : `${schema}`);
}

export async function checkLedger({ deps }: Project): Promise<Check> {
  const { store, scope } = deps;
  const from = await store.read(scope, async (tx) => {
    const head = await tx.audit.head();
    const before = Math.max(0, (head?.seq ?? 0) - LAST_ENTRIES);
    const entry = before === 0 ? undefined : await tx.audit.get(before);
    return entry === undefined ? undefined : { seq: entry.seq, hash: entry.hash };
  });
  const { checked, broken } = await verifyStore({ store, scope }, () => undefined, from);
  if (broken !== undefined) {
    return fail("ledger", broken.message, "See all of it: guvnor audit verify");
  }
  return ok("ledger", `the last ${checked} entries hold`);
}

export async function checkSettings(project: Project): Promise<Check[]> {
  const state = await settingsState(project);
  const advice = settingsAdvice(state);
  const checks =
    advice === undefined
      ? ok("settings", `${state.file} is in force`)
      : state.state === "invalid"
        ? fail("settings", advice, "Correct it, then run `guvnor policy apply`.")
        : warn("settings", advice, adviceFix(state.state));
  if (state.ignored === undefined) return [checks];
  const found = `${state.ignored} is ignored: the main worktree's file counts`;
  return [checks, warn("settings", found, `Change ${state.file} instead.`)];
}

function adviceFix(state: "differs" | "missing" | "none" | "in_force"): string {
  return state === "differs" ? "Put it in force: guvnor policy apply" : "Run `guvnor init`.";
}
