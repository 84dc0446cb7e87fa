import { z } from "zod";

import type { View } from "../view.ts";
import type { Sample } from "./sample.ts";
import type { Workplace } from "./workplace.ts";

/** What `guvnor plan submit` answered. */
export interface SubmittedPlan {
  readonly id: string;
  readonly branch: string;
  /** Commit that main stands at. */
  readonly base: string;
  /** Ids by keys. */
  readonly tasks: Readonly<Record<string, string>>;
}

const submittedSchema = z.object({
  plan_id: z.string(),
  branch: z.string(),
  tasks: z.record(z.string(), z.string()),
});

interface Surroundings {
  readonly sample: Sample;
  readonly view: View;
  readonly print: (lines: readonly string[]) => void;
  readonly workplace: Workplace;
}

/** As a person does it: `guvnor init`, `guvnor plan submit`. */
export async function setUp({
  sample,
  view,
  print,
  workplace,
}: Surroundings): Promise<SubmittedPlan> {
  print([
    ...view.title(`guvnor demo: ${sample.agents.length} agents, one plan, a real code base`),
    ...view.paragraph(
      `The agents are scripts, not models, so that each run comes to the same end. All else is real: their processes and MCP connections, git, the gates, the merges, the vote and the ledger.`,
    ),
    "",
    `$ cd ${workplace.repository}`,
    "$ guvnor init",
  ]);
  await mustSucceed(workplace, "init");
  const base = await workplace.git("rev-parse", "HEAD");
  print(["$ guvnor plan submit plan.yaml"]);
  const answer = await mustSucceed(workplace, "plan", "submit", sample.planFile, "--json");
  const { plan_id: id, branch, tasks } = submittedSchema.parse(JSON.parse(answer));
  print([...taskList(view, tasks), ""]);
  return { id, branch, tasks, base };
}

function taskList(view: View, tasks: Readonly<Record<string, string>>): string[] {
  const cells = Object.entries(tasks).map(([key, id]) => `${id.padEnd(4)}${key}`);
  const width = Math.max(...cells.map((cell) => cell.length)) + 2;
  const perLine = Math.max(1, Math.floor((view.columns - 2) / width));
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += perLine) {
    const line = cells.slice(at, at + perLine).map((cell) => cell.padEnd(width));
    lines.push(`  ${line.join("")}`.trimEnd());
  }
  return lines;
}

async function mustSucceed(workplace: Workplace, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await workplace.guvnor(...args);
  if (exitCode === 0) return stdout;
  throw new Error(
    `guvnor ${args.join(" ")} ended with ${exitCode}: ${`${stderr}${stdout}`.trim()}`,
  );
}
