import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { withDirectory } from "../data-directory.ts";
import { type InProcess, withGovernor } from "../governor.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { percentile } from "../statistics.ts";
import { timed } from "../stdio-client.ts";

const RULES = [0, 1, 50, 500] as const;
/** Calls with one number of rules before the next one has its turn. */
const BLOCK = 25;

export const policyRules: Row = {
  name: "policy-rules",
  title: "A governed call with rules",
  how: "`report_progress working` with 0, 1, 50 and 500 rules that are all evaluated and none of which matches, each with a condition on the agent, the task and the arguments; in blocks of 25 calls in turn, in this process, durability normal. All four have the limits of profile `standard`, raised.",
  whenMissed: "Each rule's condition is evaluated by a CEL library; the task is read once for all.",
  measure: async ({ quick }) => {
    const runs = await repeat(quick ? 1 : 5, async () => await measureRun(quick ? 6 : 40));
    return figuresOf(runs, [
      { of: "added50", name: "p50 added by 50 rules", unit: "ms", bar: atMost(0.1) },
      { of: "added1", name: "p50 added by 1 rule", unit: "ms" },
      { of: "added500", name: "p50 added by 500 rules", unit: "ms" },
      { of: "none", name: "p50 without rules", unit: "ms" },
    ]);
  },
};

async function measureRun(blocks: number): Promise<Record<string, number>> {
  const samples = new Map<number, number[]>(RULES.map((rules) => [rules, []]));
  await withGovernors(RULES, async (governors) => {
    for (const { call } of governors.values()) {
      await call("submit_plan", { title: "Bench", tasks: [{ key: "only", title: "Only" }] });
      await call("request_task", {});
    }
    for (let block = -2; block < blocks; block += 1) {
      for (const [rules, { call }] of governors) {
        for (let turn = 0; turn < BLOCK; turn += 1) {
          const report = { task_id: "T1", status: "working", percent: turn };
          const ms = await timed(async () => await call("report_progress", report));
          if (block >= 0) samples.get(rules)?.push(ms);
        }
      }
    }
  });
  const p50 = (rules: number): number => percentile(samples.get(rules) ?? [], 0.5);
  const none = p50(0);
  return { none, added1: p50(1) - none, added50: p50(50) - none, added500: p50(500) - none };
}

/** One in each directory, all open at the same time. */
async function withGovernors(
  counts: readonly number[],
  work: (governors: ReadonlyMap<number, InProcess>) => Promise<void>,
  opened: ReadonlyMap<number, InProcess> = new Map(),
): Promise<void> {
  const [count, ...others] = counts;
  if (count === undefined) return await work(opened);
  await withDirectory(async (home) => {
    const file = join(home, "guvnor.yaml");
    writeFileSync(file, settingsWith(count));
    const next = async (governor: InProcess): Promise<void> =>
      await withGovernors(others, work, new Map([...opened, [count, governor]]));
    await withGovernor(home, "normal", next, file);
  });
}

function settingsWith(rules: number): string {
  const list = Array.from(
    { length: rules },
    (_, index) => `    - id: rule-${index}
      on: [report_progress]
      when: task.kind == "deploy-${index}" && input.status == "done" && agent.role != "lead" && task.labels["env"] == "production"
      effect: deny
      reason: Rule ${index}.`,
  );
  const limits =
    "limits: [{ id: calls, of: agent, metric: calls, max: 1000000, per: 1m, then: throttle }]";
  const policy = rules === 0 ? "" : `policy:\n  rules:\n${list.join("\n")}\n`;
  return `version: 1\n${limits}\n${policy}`;
}
