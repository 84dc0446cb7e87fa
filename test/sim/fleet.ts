import type { Operation } from "../../src/engine/operation.ts";
import type { Client, SimAgent } from "./agent.ts";
import type { Machine } from "./machine.ts";
import { CAPABILITIES } from "./plans.ts";
import { SimProcess } from "./sim-process.ts";
import type { WrapTx } from "./sim-store.ts";
import { live } from "./working-day.ts";

const AGENTS = 10;

export interface Fleet {
  readonly machine: Machine;
  /** All that were ever started; those at dead processes do nothing any more. */
  readonly agents: SimAgent[];
  readonly operations: readonly Operation[];
  readonly gateWorkers: number;
  readonly wrapTx: WrapTx | undefined;
}

/** Ten agents; some share a process. */
export function startFleet(fleet: Fleet): void {
  const { random, queue } = fleet.machine;
  const clients = Array.from({ length: AGENTS }, (_, index) => newClient(fleet, `a${index + 1}`));
  while (clients.length > 0) {
    const shared = clients.splice(0, random.chance(0.4) ? 2 : 1);
    queue.after(random.between(0, 8000), () => void startProcess(fleet, shared));
  }
}

/** Can do everything: with one of them no task waits for want of a capability. */
export function startCloser(fleet: Fleet, name: string): void {
  const client = { ...newClient(fleet, name), capabilities: [...CAPABILITIES] };
  startProcess(fleet, [client]);
}

export function startProcess(fleet: Fleet, clients: readonly Client[]): SimProcess {
  const { machine, operations, gateWorkers, wrapTx } = fleet;
  const [first] = clients;
  const process = new SimProcess(machine, {
    name: clients.map(({ name }) => name).join("+"),
    agentName: first?.name,
    directory: first?.worktree ?? "/main",
    isContained: machine.random.chance(0.3),
    isServing: true,
    isMeasuring: machine.isCalm || machine.random.chance(0.6),
    operations,
    gateWorkers,
    wrapTx,
    onDeath: (dead) => replace(fleet, dead),
  });
  machine.chronicle.say(process.id, process.plan.isContained ? "starts in a container" : "starts");
  for (const client of clients) {
    const agent = { machine, process, client, name: client.name };
    fleet.agents.push(agent);
    live(agent).catch((error: unknown) => {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      machine.chronicle.violate("simulation_error", why);
    });
  }
  return process;
}

/** Most clients start their server again, under the same name; some have kept the session. */
export function replace(fleet: Fleet, process: SimProcess): void {
  const { machine } = fleet;
  const { random, queue } = machine;
  const clients = fleet.agents
    .filter((agent) => agent.process === process)
    .map(({ client }): Client => {
      const session = random.chance(0.5) ? client.session : undefined;
      const { name, capabilities, worktree, leases, waiting, requests } = client;
      return {
        name,
        capabilities,
        worktree,
        session,
        leases: [...leases],
        waiting: new Map(waiting),
        requests: [...requests],
      };
    });
  if (!random.chance(0.75)) return;
  queue.after(random.between(100, 20_000), () => {
    if (machine.isOver) return;
    machine.chronicle.count("restarted under the same name");
    startProcess(fleet, clients);
  });
}

function newClient({ machine }: Fleet, name: string): Client {
  const { random, repository } = machine;
  const worktree = `/worktrees/${name}`;
  repository.heads.set(worktree, repository.root);
  return {
    name,
    capabilities: CAPABILITIES.filter(() => random.chance(0.5)),
    worktree,
    session: undefined,
    leases: [],
    waiting: new Map(),
    requests: [],
  };
}
