import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import type { JsonObject } from "../../engine/call.ts";
import { type Check, checkStory } from "./checks.ts";
import { readExport } from "./ledger.ts";
import { runProgram } from "./programs.ts";
import type { Sample } from "./sample.ts";
import type { SubmittedPlan } from "./set-up.ts";
import { type Story, tellStory } from "./story.ts";
import { outcomeOf } from "./timeline.ts";
import { isMainUntouched, type Workplace } from "./workplace.ts";

/** What is left when the agents have gone: the ledger and the branch. */
export interface Proof {
  readonly story: Story;
  readonly checks: readonly Check[];
  /** Git's name of the files that came out; the same on every run. */
  readonly tree: string;
  readonly branch: string;
  readonly document: JsonObject;
}

const verifySchema = z.looseObject({ ok: z.literal(true), checked: z.int().positive() });

/** Looks at everything again, from outside: nothing that the demo saw on the way counts. */
export async function prove(
  sample: Sample,
  workplace: Workplace,
  plan: SubmittedPlan,
): Promise<Proof> {
  const exported = await workplace.guvnor("audit", "export", "--format", "jsonl");
  const story = tellStory(readExport(exported.stdout));
  const result = join(workplace.directory, "result");
  const branch = plan.branch.replace("refs/heads/", "");
  await workplace.git("clone", "-q", "--branch", branch, workplace.repository, result);
  const checks = [
    ...checkStory(story),
    checkWinner(sample, story, result),
    await checkTests(workplace, result),
    await checkReports(workplace, result),
    await checkLedger(workplace, story),
    await checkMain(workplace, plan.base),
  ];
  const tree = await workplace.git("rev-parse", `${plan.branch}^{tree}`);
  const keys = new Map(Object.entries(plan.tasks).map(([key, id]) => [id, key]));
  const topic = story.topics.find(({ decided }) => decided !== undefined);
  const winner = topic?.solutions.find(({ id }) => id === topic.decided?.winner);
  const document = {
    plan: plan.id,
    branch,
    tree,
    ...(winner === undefined ? {} : { winner: { id: winner.id, title: winner.title } }),
    tasks: outcomeOf(story, (id) => keys.get(id) ?? ""),
    checks,
    ledger_entries: story.entries,
  };
  return { story, checks, tree, branch, document };
}

/** What the vote chose is what was written down, and what the code does (its report says so). */
function checkWinner(sample: Sample, { topics }: Story, result: string): Check {
  const name = "winner implemented";
  const { decided, solutions } = topics.find((topic) => topic.decided !== undefined) ?? {};
  const winner = solutions?.find(({ id }) => id === decided?.winner);
  const method = winner?.title.split(":")[0];
  const [topic] = [...sample.recipes.values()].flatMap((recipe) => recipe.topic ?? []);
  if (winner === undefined || method === undefined || topic === undefined) {
    return { name, ok: false, evidence: "Nothing was decided." };
  }
  const ok = readFileSync(join(result, topic.writes), "utf8").includes(`\nMethod: ${method}\n`);
  return { name, ok, evidence: `${topic.writes} says "${method}", which is ${winner.id}.` };
}

async function checkTests({ env }: Workplace, result: string): Promise<Check> {
  const { exitCode, stdout, stderr } = await runProgram("npm", ["test"], {
    directory: result,
    env: { ...env, CI: "true" },
  });
  const [, passed = "no"] = /^\S+ pass (\d+)$/m.exec(stdout) ?? [];
  const ok = exitCode === 0 && Number(passed) > 0;
  const said = ok ? `${passed} tests pass` : `${stdout}${stderr}`.trim().slice(-1000);
  return { name: "branch is green", ok, evidence: `A fresh checkout of the branch: ${said}.` };
}

/** What users reported is mended: each of their scripts failed before and passes now. */
async function checkReports({ env, repository }: Workplace, result: string): Promise<Check> {
  const scripts = readdirSync(join(result, "reports")).filter((name) => name.endsWith(".mjs"));
  const mended: string[] = [];
  for (const script of scripts) {
    const args = [join("reports", script)];
    const before = await runProgram(process.execPath, args, { directory: repository, env });
    const after = await runProgram(process.execPath, args, { directory: result, env });
    if (before.exitCode !== 0 && after.exitCode === 0) mended.push(script);
  }
  const ok = mended.length === scripts.length;
  const evidence = `${mended.length} of ${scripts.length} users' reports fail on main and pass on the branch.`;
  return { name: "reports mended", ok, evidence };
}

async function checkLedger(workplace: Workplace, { entries }: Story): Promise<Check> {
  const name = "ledger holds";
  const { stdout, stderr } = await workplace.guvnor("audit", "verify", "--json");
  const found = verifySchema.safeParse(parseJson(stdout));
  if (!found.success) return { name, ok: false, evidence: `${stdout}${stderr}`.slice(-500) };
  const { checked } = found.data;
  // The export itself is an entry.
  const ok = checked >= entries;
  return { name, ok, evidence: `guvnor audit verify: all ${checked} entries hold.` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it is instead, the schema says.
    return undefined;
  }
}

async function checkMain(workplace: Workplace, base: string): Promise<Check> {
  const ok = await isMainUntouched(workplace, base);
  const evidence = `main ${ok ? "stands" : "does not stand"} at ${base.slice(0, 10)}, as before.`;
  return { name: "main untouched", ok, evidence };
}
