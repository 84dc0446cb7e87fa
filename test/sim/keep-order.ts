import { wallClock } from "./machine.ts";
import { order, type Person } from "./order.ts";

const REASON = "It looks odd.";

/** A person stops and resumes, says yes or no, late or never, and takes and gives back what agents may do. */
export async function keepOrder(person: Person): Promise<void> {
  const { random } = person.machine;
  await answerApprovals(person);
  if (random.chance(0.5)) await resumeSome(person);
  if (random.chance(0.25)) await restoreSome(person);
  if (!random.chance(0.3)) return;
  const deeds = { stop: 30, stopAgent: 30, stopAll: 10, revoke: 15, tier: 20, look: 5 } as const;
  const agent = anyAgent(person);
  switch (random.weighted(deeds)) {
    case "stop":
      await order(person, "stop", { reason: REASON });
      return await changeWork(person);
    case "stopAgent":
      if (agent !== undefined) await order(person, "stop", { agent, reason: REASON });
      return await changeWork(person);
    case "stopAll":
      sayToAll(person, "stopped");
      return await changeWork(person);
    case "revoke":
      if (agent !== undefined) await order(person, "agents_revoke", { agent, reason: REASON });
      return;
    case "tier":
      if (agent === undefined) return;
      await order(person, "agents_tier", {
        agent,
        tier: random.pick(["T0", "T1", "T2"]),
        ...(random.chance(0.2) ? { freeze: true } : {}),
      });
      return;
    case "look":
      await order(person, "approvals_list", {});
      await order(person, "stops_list", {});
      await order(person, "agents_list", {});
  }
}

/** What a person stops work for: now there is something to do, and whoever waits must not get it. */
async function changeWork(person: Person): Promise<void> {
  const { random } = person.machine;
  if (!random.chance(0.5)) return;
  const task = { key: "mend", title: "Mend what was odd", paths: ["src/a"] };
  await order(person, "submit_plan", { title: "Mend", tasks: [task] });
}

/** Everything that keeps agents from their work is over. */
export async function relieve(person: Person): Promise<void> {
  const { ledger, globalStop } = person.machine;
  const { rules } = ledger;
  if (globalStop?.state === "stopped") sayToAll(person, "resumed");
  for (const agent of rules.revoked) await order(person, "agents_restore", { agent });
  for (const agent of rules.lowered) {
    await order(person, "agents_tier", { agent, tier: "T2", thaw: true });
  }
  for (const stop of rules.stops) await resume(person, stop);
  for (const { id, state } of rules.approvals.values()) {
    if (state === "requested") await grant(person, id);
  }
}

async function answerApprovals(person: Person): Promise<void> {
  const { ledger, random } = person.machine;
  for (const { id, state } of ledger.rules.approvals.values()) {
    if (state !== "requested" || random.chance(0.5)) continue;
    if (random.chance(0.2)) await order(person, "approvals_refuse", { approval_id: id });
    else await grant(person, id);
  }
}

/** Where two have to look, both do; the first may have said yes before. */
async function grant(person: Person, id: string): Promise<void> {
  await order(person, "approvals_grant", { approval_id: id });
  if (person.machine.ledger.rules.approvals.get(id)?.state !== "requested") return;
  await order({ ...person, name: "bob" }, "approvals_grant", { approval_id: id });
}

async function resumeSome(person: Person): Promise<void> {
  const { ledger, random, globalStop } = person.machine;
  if (globalStop?.state === "stopped") sayToAll(person, "resumed");
  for (const stop of ledger.rules.stops) if (random.chance(0.7)) await resume(person, stop);
}

async function resume(person: Person, stop: string): Promise<void> {
  // What was said for all projects ends where it was said.
  if (stop === "all") return;
  const [, agent] = stop.split(":");
  await order(person, "resume", agent === undefined ? {} : { agent });
}

async function restoreSome(person: Person): Promise<void> {
  const { ledger, random } = person.machine;
  for (const agent of ledger.rules.revoked) {
    if (random.chance(0.7)) await order(person, "agents_restore", { agent });
  }
}

function sayToAll({ machine }: Person, state: "stopped" | "resumed"): void {
  const atMs = Math.max(
    wallClock(machine, machine.queue.nowMs),
    (machine.globalStop?.atMs ?? 0) + 1,
  );
  machine.globalStop = { state, reason: REASON, by: "person:ann", atMs, keyHash: null };
  machine.chronicle.say("ann (person)", `says to all projects: ${state}`);
}

/** Rather one that holds something. */
function anyAgent({ machine }: Person): string | undefined {
  const { ledger, random } = machine;
  const busy = [...ledger.tasks.values()].flatMap(({ holder }) => holder ?? []);
  const known = [...ledger.capabilities.keys()];
  const pool = busy.length > 0 && random.chance(0.6) ? busy : known;
  return pool.length === 0 ? undefined : random.pick(pool);
}
