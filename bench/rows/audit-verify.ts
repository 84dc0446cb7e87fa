import { verifyStore } from "../../src/cli/verify-ledger.ts";
import { withDirectory } from "../data-directory.ts";
import { type InProcess, withGovernor } from "../governor.ts";
import { atLeast, figuresOf, repeat, type Row } from "../row.ts";

const ENTRIES = 200_000;
/** Entries of real calls whose bodies are chained again and again to fill the ledger. */
const SAMPLE_TASKS = 100;

export const auditVerify: Row = {
  name: "audit-verify",
  title: "Audit verify",
  how: "What `guvnor audit verify` does with a ledger of 200,000 entries: every row read from the file, its hash computed again, its form checked. The bodies are those of a task's four calls.",
  whenMissed:
    "Most of it is the check that a body is canonical JSON, the rest SHA-256 and reading the rows.",
  measure: async ({ quick }) => {
    const entries = quick ? ENTRIES / 10 : ENTRIES;
    return await withDirectory(
      async (home) =>
        await withGovernor(home, "normal", async (governor) => {
          await fill(governor, entries);
          const runs = await repeat(quick ? 1 : 7, async () => {
            const startedMs = performance.now();
            const { checked, broken } = await verifyStore(governor.project.deps, () => undefined);
            if (broken !== undefined || checked < entries) throw new Error("the ledger is broken");
            return { rate: (checked * 1000) / (performance.now() - startedMs) };
          });
          return figuresOf(runs, [
            { of: "rate", name: "entries", unit: "/s", bar: atLeast(100_000) },
          ]);
        }),
    );
  },
};

async function fill({ project, call }: InProcess, entries: number): Promise<void> {
  const tasks = Array.from({ length: SAMPLE_TASKS }, (_, index) => ({
    key: `task-${index}`,
    title: `Do part ${index}`,
  }));
  await call("submit_plan", { title: "Bench", tasks });
  for (const { key } of tasks) {
    const report = { task_id: `T${Number(key.slice(5)) + 1}`, note: "It goes well." };
    await call("request_task", {});
    await call("report_progress", { ...report, status: "working", percent: 50 });
    await call("get_status", {});
    await call("report_progress", { ...report, status: "done" });
  }
  const { store, scope } = project.deps;
  const rows = await store.read(scope, async (tx) => await tx.audit.list(2, SAMPLE_TASKS * 4));
  for (let filled = 0; filled < entries; filled += 20_000) {
    await store.write(scope, async (tx) => {
      for (let entry = 0; entry < Math.min(20_000, entries - filled); entry += 1) {
        const row = rows[entry % rows.length];
        if (row !== undefined) await tx.audit.append(row.body, undefined);
      }
    });
  }
}
