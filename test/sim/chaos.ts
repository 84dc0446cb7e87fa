import { ask } from "./agent.ts";
import { replace, startProcess, type Fleet } from "./fleet.ts";
import { makeAddition, makePlan } from "./plans.ts";
import type { SimProcess } from "./sim-process.ts";

/** Plans everything that goes wrong until `untilMs`; nothing new does afterwards. */
export function planChaos(fleet: Fleet, untilMs: number): void {
  const { machine } = fleet;
  const { random, queue } = machine;
  const often = (times: number, what: (fleet: Fleet) => void): void => {
    for (let time = 0; time < times; time += 1) {
      queue.after(random.between(0.05, 1) * untilMs, () => {
        if (!machine.isCalm) what(fleet);
      });
    }
  };
  often(random.int(0, 4), crash);
  often(random.int(0, 3), suspendOne);
  often(random.int(0, 1), closeOne);
  often(random.int(0, 2), stepClock);
  often(random.chance(0.12) ? 1 : 0, sleepAll);
  often(random.int(0, 2), submitByAgent);
  often(random.chance(0.3) ? 1 : 0, addToPlan);
  often(random.chance(0.15) ? 1 : 0, startTwin);
}

/** Rather one that is at work. */
function pickProcess({ machine, agents }: Fleet): SimProcess | undefined {
  const { random, ledger } = machine;
  const alive = [...new Set(agents.map(({ process }) => process))].filter(
    ({ state }) => state === "running",
  );
  const busy = alive.filter((process) =>
    process.agents.some((agent) => ledger.running(agent).length > 0),
  );
  if (alive.length < 3) return undefined;
  return random.pick(busy.length > 0 && random.chance(0.7) ? busy : alive);
}

function crash(fleet: Fleet): void {
  const process = pickProcess(fleet);
  if (process === undefined) return;
  switch (fleet.machine.random.int(1, 3)) {
    case 1:
      return process.kill("between calls");
    case 2:
      return process.doom({ at: "before commit", suspendMs: undefined });
    default:
      return process.doom({ at: "after commit", suspendMs: undefined });
  }
}

/** Stopped for seconds or minutes; its client may be started again meanwhile, under the same name. */
function suspendOne(fleet: Fleet): void {
  const { random, queue, chronicle } = fleet.machine;
  const process = pickProcess(fleet);
  if (process === undefined) return;
  const ms = random.chance(0.3) ? random.between(1000, 12_000) : random.between(15_000, 75_000);
  if (random.chance(0.4)) process.suspend(ms, "between calls");
  else process.doom({ at: random.pick(["before commit", "after commit"]), suspendMs: ms });
  if (!random.chance(0.4)) return;
  queue.after(random.between(1000, 30_000), () => {
    if (process.state !== "suspended") return;
    chronicle.count("twin of a suspended process");
    replace(fleet, process);
  });
}

function closeOne(fleet: Fleet): void {
  const process = pickProcess(fleet);
  if (process === undefined) return;
  void process.close().then(() => replace(fleet, process));
}

/** People and time servers set clocks, back too. */
function stepClock({ machine }: Fleet): void {
  const stepMs = Math.round(machine.random.between(-90_000, 60_000));
  machine.clockOffsetMs += stepMs;
  machine.clockForwardMs += Math.max(0, stepMs);
  machine.chronicle.say("clock", `steps by ${stepMs} ms`);
  machine.chronicle.count(stepMs < 0 ? "clock stepped back" : "clock stepped on");
}

/** The lid is closed: everybody sleeps at once and nobody may be blamed for it. */
function sleepAll({ machine, agents }: Fleet): void {
  const ms = machine.random.between(20_000, 60_000);
  machine.chronicle.count("machine slept");
  for (const process of new Set(agents.map((agent) => agent.process))) {
    process.suspend(ms + machine.random.between(0, 500), "with the machine");
  }
}

function submitByAgent(fleet: Fleet): void {
  const { machine, agents } = fleet;
  const { random, ledger } = machine;
  const present = agents.filter(({ process }) => process.state === "running");
  if (present.length === 0) return;
  const number = ledger.plans.size + 1;
  const plan = makePlan(random, ledger.gatesInForce, { isPerson: false, number });
  void ask(random.pick(present), "submit_plan", plan);
}

function addToPlan(fleet: Fleet): void {
  const { machine, agents } = fleet;
  const { random, ledger } = machine;
  const present = agents.filter(({ process }) => process.state === "running");
  const [plan] = ledger.plans.keys();
  if (present.length === 0 || plan === undefined) return;
  void ask(
    random.pick(present),
    "submit_plan",
    makeAddition(random, plan, [...ledger.tasks.keys()]),
  );
}

/** A second client of the same name while the first is there. */
function startTwin(fleet: Fleet): void {
  const { random } = fleet.machine;
  const process = pickProcess(fleet);
  const twin = fleet.agents.find((agent) => agent.process === process);
  if (twin === undefined) return;
  const session = random.chance(0.3) ? twin.client.session : undefined;
  startProcess(fleet, [{ ...twin.client, session, leases: [], waiting: new Map(), requests: [] }]);
}
