import { taskIdOf } from "../answer.ts";
import { withDirectory } from "../data-directory.ts";
import { type InProcess, withGovernor } from "../governor.ts";
import { atLeast, figuresOf, repeat, type Row } from "../row.ts";
import type { Durability } from "../servers.ts";

const CALLS_A_TASK = 4;

export const oneAfterAnother: Row = {
  name: "one-after-another",
  title: "One process, calls one after another",
  how: "The governor in this process over a file, without MCP: one agent takes tasks, and for each calls `request_task`, `report_progress working`, `get_status` and `report_progress done`, each after the answer to the one before.",
  whenMissed:
    "Profiled at `normal`: a third is the commit (pages written to the WAL), a quarter the other statements, the rest parsing, hashing and JSON. At `full` the wait for the disk comes on top.",
  measure: async ({ quick }) => {
    const tasks = quick ? 100 : 1500;
    const runs = await repeat(quick ? 1 : 7, async () => ({
      normal: await measureRun("normal", tasks),
      full: await measureRun("full", Math.round(tasks / 3)),
    }));
    return figuresOf(runs, [
      { of: "normal", name: "calls at normal", unit: "/s", bar: atLeast(4000) },
      { of: "full", name: "calls at full", unit: "/s", bar: atLeast(1000) },
    ]);
  },
};

async function measureRun(durability: Durability, tasks: number): Promise<number> {
  const warmUp = Math.round(tasks / 5);
  return await withDirectory(
    async (home) =>
      await withGovernor(home, durability, async (governor) => {
        const wanted = Array.from({ length: tasks + warmUp }, (_, index) => ({
          key: `task-${index}`,
          title: `Do part ${index}`,
        }));
        await governor.call("submit_plan", { title: "Bench", tasks: wanted });
        await workOff(governor, warmUp);
        const startedMs = performance.now();
        await workOff(governor, tasks);
        return (tasks * CALLS_A_TASK * 1000) / (performance.now() - startedMs);
      }),
  );
}

async function workOff({ call }: InProcess, tasks: number): Promise<void> {
  for (let task = 0; task < tasks; task += 1) {
    const id = taskIdOf(await call("request_task", {}));
    await call("report_progress", { task_id: id, status: "working", percent: 50 });
    await call("get_status", {});
    await call("report_progress", { task_id: id, status: "done", note: "It is done." });
  }
}
