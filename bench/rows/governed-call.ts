import { withDirectory } from "../data-directory.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { echoCommand, guvnorCommand } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { type StdioClient, timed, withClients } from "../stdio-client.ts";

/** Calls of one kind in a row before the next kind has its turn. */
const BLOCK = 25;
const WARM_UP_BLOCKS = 12;

const KINDS = ["echo", "fullStatus", "fullReport", "normalStatus", "normalReport"] as const;
type Kind = (typeof KINDS)[number];

export const governedCall: Row = {
  name: "governed-call",
  title: "A governed call over stdio, one process",
  how: "`get_status` and `report_progress working` in blocks of 25 calls, in turn with an echo server's; each answer is awaited. Ratios are those of the medians of the same run.",
  whenMissed:
    "At `full` the wait for the disk is most of a call, and on a busy machine the wait for a core after it; at `normal` it is the write of about eight pages to the WAL, then the reading of who calls and the hashes.",
  measure: async ({ quick }) => {
    const runs = await repeat(quick ? 1 : 7, async () => await measureRun(quick ? 8 : 40));
    return figuresOf(runs, [
      { of: "fullStatus", name: "get_status, full, p50 / echo's", unit: "×", bar: atMost(6) },
      { of: "fullReport", name: "report_progress, full, p50 / echo's", unit: "×", bar: atMost(6) },
      { of: "normalStatus", name: "get_status, normal, p50 / echo's", unit: "×", bar: atMost(3) },
      {
        of: "normalReport",
        name: "report_progress, normal, p50 / echo's",
        unit: "×",
        bar: atMost(3),
      },
      { of: "normalStatusP99", name: "get_status, normal, p99", unit: "ms", bar: atMost(5) },
      { of: "normalReportP99", name: "report_progress, normal, p99", unit: "ms", bar: atMost(5) },
      { of: "echoMs", name: "echo, p50", unit: "ms" },
      { of: "fullReportMs", name: "report_progress, full, p50", unit: "ms" },
      { of: "normalReportMs", name: "report_progress, normal, p50", unit: "ms" },
    ]);
  },
};

async function measureRun(blocks: number): Promise<Record<string, number>> {
  const samples = await withDirectory(
    async (fullHome) =>
      await withDirectory(async (normalHome) => {
        const servers = [
          echoCommand(),
          guvnorCommand({ home: fullHome, durability: "full" }),
          guvnorCommand({ home: normalHome, durability: "normal" }),
        ];
        return await withClients(servers, async (clients) => await sample(clients, blocks));
      }),
  );
  const p50 = (kind: Kind): number => percentile(samples[kind], 0.5);
  return {
    fullStatus: p50("fullStatus") / p50("echo"),
    fullReport: p50("fullReport") / p50("echo"),
    normalStatus: p50("normalStatus") / p50("echo"),
    normalReport: p50("normalReport") / p50("echo"),
    normalStatusP99: percentile(samples.normalStatus, 0.99),
    normalReportP99: percentile(samples.normalReport, 0.99),
    echoMs: p50("echo"),
    fullReportMs: p50("fullReport"),
    normalReportMs: p50("normalReport"),
  };
}

async function sample(
  clients: readonly StdioClient[],
  blocks: number,
): Promise<Record<Kind, number[]>> {
  const [echo, full, normal] = clients;
  if (echo === undefined || full === undefined || normal === undefined) throw new Error("clients");
  for (const client of [full, normal]) {
    await client.call("submit_plan", { title: "Bench", tasks: [{ key: "only", title: "Only" }] });
    await client.call("request_task", {});
  }
  const report = { task_id: "T1", status: "working", percent: 50, note: "half of it is done" };
  const calls: Record<Kind, () => Promise<unknown>> = {
    echo: async () => await echo.call("echo", report),
    fullStatus: async () => await full.call("get_status", {}),
    fullReport: async () => await full.call("report_progress", report),
    normalStatus: async () => await normal.call("get_status", {}),
    normalReport: async () => await normal.call("report_progress", report),
  };
  const samples: Record<Kind, number[]> = {
    echo: [],
    fullStatus: [],
    fullReport: [],
    normalStatus: [],
    normalReport: [],
  };
  for (let block = -WARM_UP_BLOCKS; block < blocks; block += 1) {
    for (const kind of KINDS) {
      for (let call = 0; call < BLOCK; call += 1) {
        const ms = await timed(calls[kind]);
        if (block >= 0) samples[kind].push(ms);
      }
    }
  }
  return samples;
}
