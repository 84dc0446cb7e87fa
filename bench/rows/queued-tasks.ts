import { taskIdOf } from "../answer.ts";
import { withDirectory } from "../data-directory.ts";
import { type InProcess, withGovernor } from "../governor.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { percentile } from "../statistics.ts";
import { timed } from "../stdio-client.ts";

const FEW = 100;
const MANY = 100_000;
const PLAN_SIZE = 10_000;
/** What tasks need, in turn: what the agent can do, and what it cannot. */
const WITHIN = [[], ["ts"], ["py"], ["ts", "db"], ["web"], ["py", "db"]];
const NEEDS = [...WITHIN, ["rust"], ["ios", "web"]];
const CAPABILITIES = ["ts", "py", "db", "web"];

export const queuedTasks: Row = {
  name: "queued-tasks",
  title: "100,000 queued tasks",
  how: "`request_task` with 100,000 ready tasks and with 100, in eight buckets of capabilities and many priorities, in turn in the same run; for each task that was taken another one is submitted. In this process, durability normal: waiting for the disk would hide the difference.",
  whenMissed:
    "The candidates of a bucket come from an index; what grows is its depth and what must be read from the file again.",
  measure: async ({ quick }) => {
    const many = quick ? MANY / 10 : MANY;
    return await withDirectory(
      async (fewHome) =>
        await withDirectory(
          async (manyHome) =>
            await withGovernor(
              fewHome,
              "normal",
              async (few) =>
                await withGovernor(manyHome, "normal", async (deep) => {
                  await fill(few, FEW);
                  await fill(deep, many);
                  await compare(few, deep, quick ? 20 : 200);
                  const runs = await repeat(
                    quick ? 1 : 7,
                    async () => await compare(few, deep, quick ? 50 : 400),
                  );
                  return figuresOf(runs, [
                    { of: "ratio", name: "p50 with many / with 100", unit: "×", bar: atMost(2) },
                    { of: "few", name: "p50 with 100", unit: "ms" },
                    { of: "many", name: "p50 with many", unit: "ms" },
                    { of: "manyP99", name: "p99 with many", unit: "ms" },
                  ]);
                }),
            ),
        ),
    );
  },
};

let submitted = 0;

async function fill(governor: InProcess, count: number): Promise<void> {
  await governor.call("register_agent", { name: "worker", capabilities: CAPABILITIES });
  for (let from = 0; from < count; from += PLAN_SIZE) {
    await submit(governor, Math.min(PLAN_SIZE, count - from), NEEDS);
  }
}

async function submit(governor: InProcess, count: number, needed: string[][]): Promise<void> {
  const tasks = Array.from({ length: count }, () => {
    submitted += 1;
    const needs = needed[submitted % needed.length];
    const priority = (submitted * 37) % 101;
    return { key: `task-${submitted}`, title: `Do part ${submitted}`, needs, priority };
  });
  await governor.call("submit_plan", { title: "Bench", tasks });
}

async function compare(
  few: InProcess,
  many: InProcess,
  rounds: number,
): Promise<Record<string, number>> {
  const fewMs: number[] = [];
  const manyMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    fewMs.push(await takeOne(few));
    manyMs.push(await takeOne(many));
  }
  const p50 = { few: percentile(fewMs, 0.5), many: percentile(manyMs, 0.5) };
  return { ...p50, ratio: p50.many / p50.few, manyP99: percentile(manyMs, 0.99) };
}

async function takeOne(governor: InProcess): Promise<number> {
  let id: string | undefined;
  const ms = await timed(async () => {
    id = taskIdOf(await governor.call("request_task", {}));
  });
  if (id === undefined) throw new Error("there was no task to take");
  await governor.call("report_progress", { task_id: id, status: "done" });
  await submit(governor, 1, WITHIN);
  return ms;
}
