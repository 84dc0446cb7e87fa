import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { childEnded, childStarted } from "../children.ts";
import { withDirectory } from "../data-directory.ts";
import { atMost, figuresOf, repeat, type Row } from "../row.ts";
import { CHECKOUT, guvnorCommand } from "../servers.ts";
import type { AgentSays, ParentSays } from "../simulated-agent.ts";
import { withClients } from "../stdio-client.ts";

const AGENTS = 4;
/** Each chain is done in order; there are always more chains than agents. */
const CHAINS = 8;

interface Work {
  readonly chainLength: number;
  readonly taskMs: number;
}

export const wholeWork: Row = {
  name: "whole-work",
  title: "Whole work: the same plan with and without guvnor",
  how: "40 tasks of 250 ms (waiting, as an agent does for its model) in eight chains of five, done by four processes in a git repository. Without: a parent hands them out from memory. With: each process asks its own `guvnor mcp`, and handing in the plan counts too. Durability full.",
  whenMissed:
    "Each `done` asks git how the worktree stands, by starting it; four agents that end at the same moment do so on the same two cores, and then ask for work one after the other.",
  measure: async ({ quick }) => {
    const work = quick ? { chainLength: 2, taskMs: 100 } : { chainLength: 5, taskMs: 250 };
    const runs = await repeat(quick ? 1 : 7, async () => {
      const without = await withDirectory(async (directory) => await fromMemory(directory, work));
      const withGuvnor = await withDirectory(async (directory) => await governed(directory, work));
      return { without, withGuvnor, longer: (withGuvnor / without - 1) * 100 };
    });
    return figuresOf(runs, [
      { of: "longer", name: "longer with guvnor", unit: "%", bar: atMost(5) },
      { of: "withGuvnor", name: "with", unit: "ms" },
      { of: "without", name: "without", unit: "ms" },
    ]);
  },
};

async function fromMemory(directory: string, { chainLength, taskMs }: Work): Promise<number> {
  const ready = chainsOf(chainLength).map(([first]) => first?.key ?? "");
  const waiting: Agent[] = [];
  const handOut = (): void => {
    while (ready.length > 0) {
      const agent = waiting.shift();
      if (agent === undefined) return;
      const task = ready.shift();
      agent.tell(task === undefined ? {} : { task });
    }
  };
  const agents = await startAgents(directory, ["", String(taskMs)], (message, agent) => {
    if (message.kind === "ask") waiting.push(agent);
    if (message.kind === "done") {
      const [chain = "", place = ""] = message.task.split("-");
      if (Number(place) + 1 < chainLength) ready.push(`${chain}-${Number(place) + 1}`);
    }
    handOut();
  });
  const startedMs = performance.now();
  for (const agent of agents) agent.tell({});
  await finished(agents, CHAINS * chainLength);
  const ms = performance.now() - startedMs;
  for (const agent of agents) agent.tell({});
  await Promise.all(agents.map(async (agent) => await agent.ended));
  return ms;
}

async function governed(directory: string, { chainLength, taskMs }: Work): Promise<number> {
  const home = join(directory, "home");
  const repository = join(directory, "repository");
  makeRepository(repository);
  const owner = guvnorCommand({ home, cwd: repository, durability: "full", agent: "owner" });
  return await withClients([owner], async ([client]) => {
    await client?.call("register_agent", {});
    const agents = await startAgents(repository, [home, String(taskMs)], () => undefined);
    const startedMs = performance.now();
    await client?.call("submit_plan", { title: "Work", tasks: chainsOf(chainLength).flat() });
    for (const agent of agents) agent.tell({});
    await finished(agents, CHAINS * chainLength);
    const ms = performance.now() - startedMs;
    await Promise.all(agents.map(async (agent) => await agent.ended));
    return ms;
  });
}

interface PlannedTask {
  readonly key: string;
  readonly title: string;
  readonly after: readonly string[];
}

function chainsOf(length: number): PlannedTask[][] {
  return Array.from({ length: CHAINS }, (_, chain) =>
    Array.from({ length }, (_unused, place) => ({
      key: `c${chain}-${place}`,
      title: `Step ${place} of chain ${chain}`,
      after: place === 0 ? [] : [`c${chain}-${place - 1}`],
    })),
  );
}

function makeRepository(directory: string): void {
  mkdirSync(directory);
  writeFileSync(join(directory, "readme.txt"), "Work.\n");
  const git = (...args: string[]): void => {
    const who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"];
    execFileSync("git", ["-C", directory, ...who, ...args], { stdio: "ignore" });
  };
  git("init");
  git("add", ".");
  git("commit", "-m", "First");
}

interface Agent {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly tell: (message: ParentSays) => void;
}

async function startAgents(
  directory: string,
  [home, taskMs]: readonly [string, string],
  listen: (message: AgentSays, agent: Agent) => void,
): Promise<Agent[]> {
  const script = join(CHECKOUT, "bench", "simulated-agent.ts");
  const started = Array.from({ length: AGENTS }, async (_, index) => {
    const child = fork(script, [home, `agent-${index}`, taskMs], { cwd: directory });
    const { pid = 0 } = child;
    childStarted(pid);
    const ended = once(child, "exit").then(() => childEnded(pid));
    const agent: Agent = { child, ended, tell: (message) => void child.send(message) };
    const early = ended.then(() => Promise.reject(new Error("an agent ended early")));
    await Promise.race([once(child, "message"), early]);
    early.catch(() => undefined);
    child.on("message", (message: AgentSays) => listen(message, agent));
    return agent;
  });
  return await Promise.all(started);
}

/** Resolves at the last of so many tasks. */
async function finished(agents: readonly Agent[], tasks: number): Promise<void> {
  let done = 0;
  await new Promise<void>((resolve) => {
    for (const { child } of agents) {
      child.on("message", ({ kind }: AgentSays) => {
        if (kind === "done") done += 1;
        if (done === tasks) resolve();
      });
    }
  });
}
