import { execFileSync } from "node:child_process";

import { withDirectory } from "../data-directory.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { echoCommand, guvnorCommand } from "../servers.ts";
import { withClients } from "../stdio-client.ts";

export const memory: Row = {
  name: "memory",
  title: "Memory of one stdio process",
  how: "Resident memory of the process, as `ps` says it, after 1,000 calls of `get_status` and `report_progress`; an echo server's after as many calls.",
  whenMissed:
    "The heap in use stays at 18 MB, and V8's young generation at its first size (it was 116 MB where that may grow); the rest is code, and SQLite's page cache (at most 4 MB a connection).",
  measure: async ({ quick }) => {
    const runs = await repeat(quick ? 1 : 5, async () => await measureRun(quick ? 200 : 1000));
    return figuresOf(runs, [
      { of: "guvnor", name: "guvnor", unit: "MB", bar: atMost(100) },
      { of: "echo", name: "echo", unit: "MB" },
    ]);
  },
};

async function measureRun(calls: number): Promise<Record<string, number>> {
  return await withDirectory(async (home) => {
    const servers = [echoCommand(), guvnorCommand({ home, durability: "full" })];
    return await withClients(servers, async ([echo, guvnor]) => {
      if (echo === undefined || guvnor === undefined) throw new Error("clients");
      const tasks = [{ key: "only", title: "Only" }];
      await guvnor.call("submit_plan", { title: "Bench", tasks });
      await guvnor.call("request_task", {});
      const report = { task_id: "T1", status: "working", percent: 50 };
      for (let call = 0; call < calls; call += 2) {
        await guvnor.call("get_status", {});
        await guvnor.call("report_progress", report);
        await echo.call("echo", report);
        await echo.call("echo", report);
      }
      return { guvnor: residentMb(guvnor.pid), echo: residentMb(echo.pid) };
    });
  });
}

function residentMb(pid: number): number {
  const kilobytes = execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return Number(kilobytes) / 1024;
}
