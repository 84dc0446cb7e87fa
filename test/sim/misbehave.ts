import { ask, askExactly, codeOf, type SimAgent } from "./agent.ts";

/** Something that no honest agent does; what it may do to others, the ledger's model finds out. */
export async function misbehave(agent: SimAgent): Promise<void> {
  const tricks = {
    others: 20,
    old: 25,
    repeat: 25,
    reuse: 10,
    power: 4,
    nonsense: 6,
    loop: 3,
    foreign: 3,
    noGates: 2,
    read: 6,
    named: 6,
  } as const;
  const { chronicle, random } = agent.machine;
  const trick = random.weighted(tricks);
  chronicle.count(`trick ${trick}`);
  await TRICKS[trick](agent);
}

const TRICKS = {
  others: reportOnOthers,
  old: reportUnderOldFence,
  repeat: repeatRequest,
  reuse: reuseRequestId,
  power: async (agent) => {
    const task = anyTask(agent);
    if (task === undefined) return;
    const answer = await ask(agent, "tasks_cancel", { task_id: task, reason: "I want to." });
    if (answer?.isError === false) {
      agent.machine.chronicle.violate("powers_of_people", "an agent cancelled a task");
    }
  },
  nonsense: async (agent) => {
    await ask(agent, agent.machine.random.chance(0.5) ? "get_rich" : "request_task", {
      wait_seconds: -1,
    });
  },
  loop: async (agent) => {
    const tasks = [
      { key: "a", title: "a", after: ["b"] },
      { key: "b", title: "b", after: ["a"] },
    ];
    await ask(agent, "submit_plan", { title: "A loop", tasks });
  },
  foreign: async (agent) => {
    await askExactly(agent, "request_task", { session: "f".repeat(64) });
  },
  noGates: async (agent) => {
    const tasks = [{ key: "free", title: "Nobody shall look", gates: [] }];
    const answer = await ask(agent, "submit_plan", { title: "Unmeasured", tasks });
    if (answer?.isError === false && agent.machine.ledger.gatesInForce.length > 0) {
      agent.machine.chronicle.violate("powers_of_people", "an agent switched all gates off");
    }
  },
  read: async (agent) => {
    const scope = agent.machine.random.pick(["me", "project", "agents", "plan", "task"]);
    const id = scope === "task" ? (anyTask(agent) ?? "T1") : "P1";
    await ask(
      agent,
      "get_status",
      scope === "task" || scope === "plan" ? { scope, id } : { scope },
    );
  },
  named: async (agent) => {
    const task = anyTask(agent);
    if (task !== undefined) await ask(agent, "request_task", { task_id: task });
  },
} satisfies Record<string, (agent: SimAgent) => Promise<void>>;

function anyTask({ machine }: SimAgent): string | undefined {
  const ids = [...machine.ledger.tasks.keys()];
  return ids.length === 0 ? undefined : machine.random.pick(ids);
}

const CLAIMS = ["done", "failed", "released", "working", "blocked"] as const;

async function reportOnOthers(agent: SimAgent): Promise<void> {
  const { random, ledger } = agent.machine;
  const id = anyTask(agent);
  const task = ledger.tasks.get(id ?? "");
  if (task === undefined) return;
  await ask(agent, "report_progress", {
    task_id: task.id,
    status: random.pick(CLAIMS),
    ...(random.chance(0.7) ? { fence: random.int(0, task.fence + 1) } : {}),
  });
}

/** As one who slept through the loss of the lease. */
async function reportUnderOldFence(agent: SimAgent): Promise<void> {
  const { machine, client } = agent;
  const { random, ledger } = machine;
  const old = client.leases.filter(
    ({ taskId, fence }) => ledger.tasks.get(taskId)?.fence !== fence,
  );
  if (old.length === 0) return;
  await reportLate(agent, random.pick(old));
}

/** It holds the task again, and what its first attempt left running reports: only the fence tells them apart. */
export async function reportFromFirstAttempt(
  agent: SimAgent,
  { taskId, fence }: { readonly taskId: string; readonly fence: number },
): Promise<void> {
  const { machine, client } = agent;
  const first = client.leases.find((lease) => lease.taskId === taskId && lease.fence < fence);
  if (first === undefined || !machine.random.chance(0.5)) return;
  machine.chronicle.count("old fence of a task held again");
  await reportLate(agent, first);
}

async function reportLate(
  agent: SimAgent,
  { taskId, fence }: { readonly taskId: string; readonly fence: number },
): Promise<void> {
  const { chronicle, random } = agent.machine;
  const status = random.pick(CLAIMS);
  const answer = await ask(agent, "report_progress", { task_id: taskId, fence, status });
  if (codeOf(answer) === "stale_lease") chronicle.count("stale fence refused");
}

/** The client did not see the answer and sends the very same again. */
async function repeatRequest(agent: SimAgent): Promise<void> {
  const { machine, client } = agent;
  if (client.requests.length === 0) return;
  const { operation, args } = machine.random.pick(client.requests);
  await askExactly(agent, operation, args);
}

async function reuseRequestId(agent: SimAgent): Promise<void> {
  const { machine, client } = agent;
  const used = client.requests.at(-1);
  if (used === undefined) return;
  const { request_id: requestId, session } = used.args;
  await askExactly(agent, "submit_plan", {
    title: "Another call",
    dry_run: true,
    tasks: [{ key: `k${machine.random.int(1, 9)}`, title: "x" }],
    request_id: requestId,
    ...(session === undefined ? {} : { session }),
  });
}
