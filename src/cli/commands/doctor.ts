import type { Command } from "commander";

import type { Project } from "../../app.ts";
import { readConfig } from "../../config.ts";
import { GuvnorError } from "../../core/errors.ts";
import { findProject, type ProjectPaths } from "../../project-paths.ts";
import { withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { checkIssuer } from "../doctor/check-issuer.ts";
import {
  checkDiskSpace,
  checkGit,
  checkNode,
  checkOperatorKey,
  checkStopped,
  checkWakeFile,
  checkWorkspaces,
} from "../doctor/check-machine.ts";
import {
  checkDatabaseFile,
  checkLedger,
  checkPlace,
  checkSettings,
} from "../doctor/check-project.ts";
import { type Check, fail } from "../doctor/check.ts";
import { EXIT_ERROR } from "../explain-error.ts";
import type { View } from "../view.ts";

export function addDoctorCommand(program: Command, cli: Cli): void {
  program
    .command("doctor")
    .description(
      "check the machine, the project, its database, its ledger, and Vault where it is used",
    )
    .action(async () => {
      await cli.report(async () => reportChecks(await examine(cli)));
    });
}

async function examine(cli: Cli): Promise<Check[]> {
  const checks = [checkNode(), await checkGit()];
  const paths = await locate(cli);
  if (!("dataDir" in paths)) return [...checks, paths];
  checks.push(checkPlace(paths), checkDiskSpace(paths.dataDir), checkWorkspaces(paths));
  checks.push(...(await checkDatabaseFile(paths)));
  if (checks.some(({ level, what }) => level === "fail" && what !== "disk space")) return checks;
  checks.push(...(await checkIssuer(readConfig(cli.env))));
  return [...checks, ...(await examineProject(cli))];
}

async function locate(cli: Cli): Promise<ProjectPaths | Check> {
  try {
    const paths = await findProject(readConfig(cli.env), cli.directory, "use");
    if (paths?.exists === true) return paths;
    const found = `none was initialised for ${cli.directory}`;
    return fail("project", found, "Run `guvnor init` in the project's directory.");
  } catch (error) {
    return failed("project", error);
  }
}

async function examineProject(cli: Cli): Promise<Check[]> {
  try {
    return await withProject(cli, async (project) => [
      await checkLedger(project),
      ...(await checkSettings(project)),
      checkWakeFile(project.paths),
      await checkPeople(cli, project),
      await checkProcesses(project),
    ]);
  } catch (error) {
    return [failed("database", error)];
  }
}

async function checkPeople(cli: Cli, { deps }: Project): Promise<Check> {
  const project = await deps.store.read(deps.scope, async (tx) => await tx.projects.get());
  return checkOperatorKey(cli.env, project?.operatorKeyHash ?? null);
}

/** Those of this machine that are present; a pid counts only with its start time. */
async function checkProcesses({ deps }: Project): Promise<Check> {
  const present = await deps.store.read(deps.scope, async (tx) => await tx.processes.listPresent());
  const { host, bootId, pidNamespace } = deps.processes.self;
  const here = present.filter(
    (each) =>
      each.host === host &&
      each.bootId === bootId &&
      each.pidNamespace === pidNamespace &&
      !deps.processes.isGone(each),
  );
  return checkStopped(here.map(({ pid }) => pid));
}

function failed(what: string, error: unknown): Check {
  if (error instanceof GuvnorError) return fail(what, error.message, error.fix);
  throw error;
}

const MARKS = { ok: "ok", warn: "warn", fail: "FAIL" } as const;
const TONES = { ok: "good", warn: "attention", fail: "bad" } as const;

function reportChecks(checks: readonly Check[]): Report {
  const isWell = checks.every(({ level }) => level !== "fail");
  return {
    exitCode: isWell ? 0 : EXIT_ERROR,
    json: { ok: isWell, checks },
    text: (view) => [
      ...checks.flatMap((check) => checkLines(view, check)),
      ...view.hint(isWell ? "Nothing stands in the way." : "Mend what failed, then look again."),
    ],
  };
}

function checkLines(view: View, { what, level, found, fix }: Check): string[] {
  const [first = "", ...more] = view.fields([
    [`${MARKS[level].padEnd(4)}  ${what.padEnd(12)}`, found],
  ]);
  const fixes = fix === undefined ? [] : view.fields([[" ".repeat(18), `→ ${fix}`]]);
  return [view.paint(TONES[level], first.slice(0, 4)) + first.slice(4), ...more, ...fixes];
}
