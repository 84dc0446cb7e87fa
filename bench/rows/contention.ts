import { partOf, taskIdOf } from "../answer.ts";
import { withDirectory } from "../data-directory.ts";
import { withGovernor } from "../governor.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { type Durability, guvnorCommand } from "../servers.ts";
import { percentile } from "../statistics.ts";
import { type StdioClient, timed, withClients } from "../stdio-client.ts";

const SERVERS = 8;

/** What a server said that its agent has. */
interface Claim {
  readonly agent: string;
  readonly taskId: string;
  readonly fence: unknown;
}

export const contention: Row = {
  name: "contention",
  title: "Eight servers, 800 claims",
  how: "The test that was run on other servers for agents: eight processes take and finish tasks as fast as they can until all 800 are done. A claim is lost when it was acknowledged and is not in the file afterwards, double when a task was given out twice. Durability full.",
  whenMissed: "A lost or double claim would be a defect: claims are one transaction each.",
  measure: async ({ quick }) => {
    const tasks = quick ? 80 : 800;
    const runs = await repeat(quick ? 1 : 5, async () => await measureRun("full", tasks));
    const normal = await repeat(quick ? 1 : 3, async () => await measureRun("normal", tasks));
    return [
      ...figuresOf(runs, [
        { of: "lost", name: "acknowledged claims lost", unit: "", bar: atMost(0) },
        { of: "double", name: "double claims", unit: "", bar: atMost(0) },
        { of: "left", name: "tasks not given out", unit: "", bar: atMost(0) },
        { of: "rate", name: "claims, each with its done", unit: "/s" },
        { of: "p99", name: "request_task, p99", unit: "ms" },
      ]),
      ...figuresOf(normal, [
        { of: "rate", name: "claims at normal, each with its done", unit: "/s" },
      ]),
    ];
  },
};

async function measureRun(durability: Durability, count: number): Promise<Record<string, number>> {
  return await withDirectory(async (home) => {
    const agents = Array.from({ length: SERVERS }, (_, index) => `agent-${index}`);
    const servers = agents.map((agent) => guvnorCommand({ home, durability, agent }));
    const { claims, ms, seconds } = await withClients(servers, async (clients) => {
      const tasks = Array.from({ length: count }, (_, index) => ({
        key: `task-${index}`,
        title: `Do part ${index}`,
      }));
      await clients[0]?.call("submit_plan", { title: "Bench", tasks });
      for (const client of clients) await client.call("get_status", {});
      const startedMs = performance.now();
      const taken = await Promise.all(
        clients.map(async (client, index) => await takeAll(client, agents[index] ?? "")),
      );
      return {
        claims: taken.flatMap((each) => each.claims),
        ms: taken.flatMap((each) => each.ms),
        seconds: (performance.now() - startedMs) / 1000,
      };
    });
    const distinct = new Set(claims.map(({ taskId }) => taskId)).size;
    return {
      lost: await countLost(home, claims),
      double: claims.length - distinct,
      left: count - distinct,
      rate: claims.length / seconds,
      p99: percentile(ms, 0.99),
    };
  });
}

async function takeAll(
  client: StdioClient,
  agent: string,
): Promise<{ claims: Claim[]; ms: number[] }> {
  const claims: Claim[] = [];
  const ms: number[] = [];
  for (;;) {
    let taskId: string | undefined;
    const took = await timed(async () => {
      const answer = await client.call("request_task", {});
      taskId = taskIdOf(answer);
      if (taskId !== undefined)
        claims.push({ agent, taskId, fence: partOf(answer, "lease", "fence") });
    });
    if (taskId === undefined) return { claims, ms };
    ms.push(took);
    await client.call("report_progress", { task_id: taskId, status: "done" });
  }
}

/** Opens the file anew, when all servers have ended. */
async function countLost(home: string, claims: readonly Claim[]): Promise<number> {
  return await withGovernor(home, "full", async ({ project }) => {
    const { store, scope } = project.deps;
    return await store.read(scope, async (tx) => {
      let lost = 0;
      for (const { agent, taskId, fence } of claims) {
        const attempts = await tx.attempts.list(taskId);
        const kept = attempts.some((each) => each.agent === agent && each.fence === fence);
        if (!kept) lost += 1;
      }
      return lost;
    });
  });
}
