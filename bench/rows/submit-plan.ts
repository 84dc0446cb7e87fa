import { withDirectory } from "../data-directory.ts";
import { withGovernor } from "../governor.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { timed } from "../stdio-client.ts";

const TASKS = 10_000;

export const submitPlan: Row = {
  name: "submit-plan",
  title: "A plan of 10,000 tasks",
  how: "`submit_plan` in this process: 10,000 tasks, each after up to three of the 200 before it. First with `dry_run`, which parses, checks and analyses; then for good, which stores tasks, dependencies and the ledger's entry in one transaction. Durability full.",
  whenMissed:
    "Parsing and checking the input, then the graph; storing is two statements a task and one a dependency.",
  measure: async ({ quick }) => {
    const tasks = planOf(quick ? TASKS / 10 : TASKS);
    const runs = await repeat(quick ? 1 : 7, async () => await measureRun(tasks));
    return figuresOf(runs, [
      { of: "analysis", name: "dry_run", unit: "ms", bar: atMost(1000) },
      { of: "storing", name: "stored", unit: "ms" },
    ]);
  },
};

async function measureRun(tasks: readonly object[]): Promise<Record<string, number>> {
  return await withDirectory(
    async (home) =>
      await withGovernor(home, "full", async ({ call }) => ({
        analysis: await timed(
          async () => await call("submit_plan", { title: "Large", tasks, dry_run: true }),
        ),
        storing: await timed(async () => await call("submit_plan", { title: "Large", tasks })),
      })),
  );
}

/** Ten values a task at most: a call holds no more than 100,000. */
function planOf(count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `task-${index}`,
    title: `Do part ${index}, and see that it is done`,
    estimate_minutes: 5 + ((index * 13) % 55),
    after: [3, 50, 200].flatMap((back) => (index % back === 0 ? [] : before(index, back))),
  }));
}

function before(index: number, back: number): string[] {
  return index < back ? [] : [`task-${index - back}`];
}
