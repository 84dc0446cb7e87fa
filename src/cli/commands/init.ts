import { mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, relative } from "node:path";

import { type Command, Option } from "commander";

import type { Project } from "../../app.ts";
import { GuvnorError } from "../../core/errors.ts";
import { type Profile, PROFILES } from "../../core/settings.ts";
import { put } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { type InitPlan, openForInit, planInit } from "../init/plan-init.ts";
import { makeOperatorKey } from "../operator-key.ts";
import { requirePerson } from "../operator.ts";
import { settingsJsonSchema } from "../settings-json-schema.ts";
import { settingsAdvice, settingsState } from "../settings-state.ts";
import type { View } from "../view.ts";
import { writeFileAtomically } from "../write-file-atomically.ts";

/** One thing that init saw to. */
type Step = {
  readonly what: string;
  readonly path: string;
  readonly status: "made" | "updated" | "kept" | "skipped";
  readonly note?: string;
};

export function addInitCommand(program: Command, cli: Cli): void {
  program
    .command("init")
    .description("make this directory's project, its settings and your operator key")
    .option("--dry-run", "only say what would be done")
    .addOption(
      new Option("--profile <profile>", "shipped rules and limits that a new guvnor.yaml names")
        .choices(PROFILES)
        .default("standard"),
    )
    .action(async ({ dryRun, profile }: { dryRun?: true; profile: Profile }) => {
      await cli.report(async () => await init(cli, { dryRun: dryRun === true, profile }));
    });
}

async function init(
  cli: Cli,
  { dryRun, profile }: { dryRun: boolean; profile: Profile },
): Promise<Report> {
  const plan = await planInit(cli, profile);
  const policy = dryRun ? planPolicy(plan) : await carryOut(cli, plan);
  const steps = [...stepsOf(plan), policy];
  const { paths, server, settings } = plan;
  return {
    json: {
      project: paths.name,
      root: paths.root,
      data_dir: paths.dataDir,
      dry_run: dryRun,
      gates: settings.gates,
      steps,
      server,
    },
    text: (view) => initText(view, cli, { plan, steps, dryRun }),
  };
}

function stepsOf({ paths, known, settings, key, claude }: InitPlan): Step[] {
  const gates =
    settings.gates.length === 0 ? "no gates yet" : `gates: ${settings.gates.join(", ")}`;
  return [
    {
      what: "data",
      path: paths.dataDir,
      status: known === undefined ? "made" : "kept",
    },
    {
      what: "settings",
      path: paths.settingsFile,
      status: settings.text === undefined ? "kept" : "made",
      note: settings.text === undefined ? gates : `${gates}; a guess, so look at it`,
    },
    keyStep(key),
    ...(claude === undefined
      ? []
      : [
          {
            what: "Claude Code's server",
            path: claude.file,
            status: claude.status,
            ...(claude.note === undefined ? {} : { note: claude.note }),
          },
        ]),
  ];
}

function keyStep(key: InitPlan["key"]): Step {
  const what = "operator key";
  if (key.kind === "kept") return { what, path: key.key.file, status: "kept" };
  if (key.kind === "skipped") return { what, path: key.file, status: "skipped", note: key.why };
  return { what, path: key.file, status: "made", note: "it vouches for you; keep it to yourself" };
}

/** What would become of the policy. */
function planPolicy({ known, paths }: InitPlan): Step {
  const step = { what: "policy", path: paths.settingsFile };
  if ((known?.policyHash ?? null) !== null) return { ...step, status: "kept" };
  return { ...step, status: "made", note: "the settings come into force" };
}

async function carryOut(cli: Cli, plan: InitPlan): Promise<Step> {
  const { paths, schemaFile, known, settings, claude } = plan;
  const keyHash = obtainKey(cli, plan);
  mkdirSync(paths.dataDir, { recursive: true, mode: 0o700 });
  writeFileAtomically(schemaFile, settingsJsonSchema());
  if (settings.text !== undefined) writeFileSync(paths.settingsFile, settings.text, { flag: "wx" });
  const project = await openForInit(cli, paths, keyHash);
  try {
    const isNew = known === undefined;
    const policy = isNew ? firstPolicy(plan) : await applyFirst(cli, project, plan);
    if (claude?.text !== undefined) writeFileAtomically(claude.file, claude.text);
    return policy;
  } finally {
    await project.close();
  }
}

function obtainKey(cli: Cli, { key }: InitPlan): string | undefined {
  if (key.kind === "kept") return key.key.hash;
  return key.kind === "made" ? makeOperatorKey(cli.env).hash : undefined;
}

function firstPolicy({ paths }: InitPlan): Step {
  return { what: "policy", path: paths.settingsFile, status: "made", note: "in force" };
}

/** A project that was made without settings gets them now; one that has some keeps what it has. */
async function applyFirst(cli: Cli, project: Project, plan: InitPlan): Promise<Step> {
  const { known, paths, settings } = plan;
  const step = { what: "policy", path: paths.settingsFile };
  if ((known?.policyHash ?? null) !== null) {
    const advice = settingsAdvice(await settingsState(project));
    return { ...step, status: "kept", note: advice ?? "in force" };
  }
  try {
    const person = await requirePerson(cli, project);
    const args = { source: settings.source, file: paths.settingsFile };
    await put(project, person, { operation: "policy_apply", args });
    return { ...step, status: "made", note: "in force" };
  } catch (error) {
    if (!(error instanceof GuvnorError) || error.code !== "person_required") throw error;
    return { ...step, status: "skipped", note: "a person must run: guvnor policy apply" };
  }
}

const DONE = { made: "made", updated: "updated", kept: "kept", skipped: "skipped" } as const;
const PLANNED = {
  made: "would make",
  updated: "would update",
  kept: "would keep",
  skipped: "would skip",
} as const;

interface Initialised {
  readonly plan: InitPlan;
  readonly steps: readonly Step[];
  readonly dryRun: boolean;
}

function initText(view: View, cli: Cli, { plan, steps, dryRun }: Initialised): string[] {
  const words = dryRun ? PLANNED : DONE;
  const width = dryRun ? 14 : 9;
  const { command, args } = plan.server;
  return [
    ...view.title(`guvnor: ${plan.paths.name}`),
    ...steps.flatMap(({ what, path, status, note }) => [
      `${words[status].padEnd(width)}${what.padEnd(22)}${shortPath(path, cli.directory)}`,
      ...(note === undefined ? [] : view.paragraph(note, " ".repeat(width))),
    ]),
    "",
    ...view.sentence("Any MCP client can start the server so:"),
    `  ${command}`,
    ...args.map((argument) => `  ${argument}`),
    ...commitHint(view, plan, steps),
    ...view.hint(
      dryRun
        ? "Nothing was changed. Do it: guvnor init"
        : "Start an agent here, and give it work: guvnor plan submit FILE",
    ),
  ];
}

/** A new worktree holds what was committed: without .mcp.json an agent there finds no server. */
function commitHint(view: View, { paths }: InitPlan, steps: readonly Step[]): string[] {
  if (paths.commonDir === null || paths.root === null) return [];
  const { root } = paths;
  const made = steps
    .filter(
      ({ status, path }) => status !== "kept" && status !== "skipped" && dirname(path) === root,
    )
    .map(({ path }) => basename(path));
  const files = [...new Set(made)];
  return files.length === 0
    ? []
    : view.hint(`Agents in worktrees of their own need them committed: git add ${files.join(" ")}`);
}

/** From the working directory where that is shorter, from the home directory otherwise. */
function shortPath(path: string, directory: string): string {
  const home = homedir();
  const fromHere = relative(directory, path);
  const candidates = [path, fromHere === "" ? "." : fromHere];
  if (path.startsWith(`${home}/`)) candidates.push(`~${path.slice(home.length)}`);
  return candidates.reduce((best, each) => (each.length < best.length ? each : best));
}
