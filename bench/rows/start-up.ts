import { spawn } from "node:child_process";
import { once } from "node:events";

import { childEnded, childStarted } from "../children.ts";
import { withDirectory } from "../data-directory.ts";
import { atMost, type Row } from "../row.ts";
import { echoCommand, guvnorCommand, type ServerCommand } from "../servers.ts";

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "bench", version: "1.0.0" },
  },
};

export const startUp: Row = {
  name: "start-up",
  title: "Start until initialize is answered",
  how: "From the start of the process until the first line of its answer to `initialize`, in turn with an echo server; the ratio is that of each pair.",
  whenMissed:
    "Loading modules: the SDK's are those of the echo server too, guvnor's own and zod's schemas of its tools come on top.",
  measure: async ({ quick }) =>
    await withDirectory(async (home) => {
      const guvnor = guvnorCommand({ home, durability: "full" });
      const echo = echoCommand();
      const pairs: { guvnor: number; echo: number }[] = [];
      // The first pair fills the disk cache and is not counted.
      for (let pair = 0; pair <= (quick ? 3 : 25); pair += 1) {
        const measured = { echo: await startOnce(echo), guvnor: await startOnce(guvnor) };
        if (pair > 0) pairs.push(measured);
      }
      return [
        {
          name: "guvnor's / echo's",
          unit: "×",
          bar: atMost(1.5),
          runs: pairs.map((pair) => pair.guvnor / pair.echo),
        },
        { name: "guvnor", unit: "ms", runs: pairs.map((pair) => pair.guvnor) },
        { name: "echo", unit: "ms", runs: pairs.map((pair) => pair.echo) },
      ];
    }),
};

async function startOnce({ command, args, cwd, env }: ServerCommand): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  if (child.pid === undefined) throw new Error("the server did not start");
  childStarted(child.pid);
  const closed = once(child, "close");
  child.stdin.write(`${JSON.stringify(INITIALIZE)}\n`);
  const answered = once(child.stdout, "data");
  await Promise.race([answered, closed.then(() => Promise.reject(new Error("it ended")))]);
  const ms = performance.now() - startedMs;
  child.stdin.end();
  await closed;
  childEnded(child.pid);
  return ms;
}
