import { expect } from "vitest";

import { checkChain } from "../../src/core/audit-chain.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import type { Operation } from "../../src/engine/operation.ts";
import { agentOperations } from "../../src/engine/person/agent-operations.ts";
import { approvalOperations } from "../../src/engine/person/approval-operations.ts";
import { breakerOperations } from "../../src/engine/person/breaker-operations.ts";
import { policyOperations } from "../../src/engine/person/policy-operations.ts";
import { stopOperations } from "../../src/engine/person/stop-operations.ts";
import { taskOperations } from "../../src/engine/person/task-operations.ts";
import { tokenOperations } from "../../src/engine/person/token-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, createFleet, type Fleet, type FleetOptions } from "./engine-harness.ts";

export const RULES_OPERATIONS: readonly Operation[] = [
  ...TOOLS,
  ...agentOperations,
  ...approvalOperations,
  ...breakerOperations,
  ...policyOperations,
  ...stopOperations,
  ...taskOperations,
  ...tokenOperations,
];

/** A project with these rules in force. */
export async function rulesFleet(
  guvnorYaml: string,
  options: Partial<FleetOptions> = {},
): Promise<Fleet> {
  return await createFleet({
    operations: RULES_OPERATIONS,
    guvnorYaml: `version: 1\n${guvnorYaml}`,
    ...options,
  });
}

/** Tasks that a person's agent "lead" puts up, named T1, T2 … in order. */
export async function planTasks(
  fleet: Fleet,
  count: number,
  task: Record<string, unknown> = {},
  by = "lead",
): Promise<void> {
  const tasks = Array.from({ length: count }, (_, index) => ({
    key: `k${index}`,
    title: `do ${index}`,
    ...task,
  }));
  await fleet.ok(by, "submit_plan", { title: "plan", tasks });
}

export async function claimed(fleet: Fleet, agent: string, args: object = {}): Promise<unknown> {
  const { task, reason } = await fleet.ok(agent, "request_task", args);
  return (task as JsonObject | undefined)?.["id"] ?? reason;
}

export async function report(
  fleet: Fleet,
  agent: string,
  taskId: string,
  said: string | { readonly status: string; readonly [field: string]: unknown },
): Promise<JsonObject> {
  const fields = typeof said === "string" ? { status: said } : said;
  return (await fleet.call(agent, "report_progress", { task_id: taskId, ...fields })).body;
}

export async function asPerson(
  fleet: Fleet,
  operation: string,
  args: object = {},
  name?: string,
): Promise<JsonObject> {
  return bodyOf(await fleet.asPerson(operation, args, name));
}

export async function agentNamed(
  fleet: Fleet,
  name: string,
): Promise<{ state: string; tier: string; tokenHash: string | null; principal: string }> {
  const agent = await fleet.read(async (tx) => await tx.agents.get(name));
  if (agent === undefined) throw new Error(`there is no agent ${name}`);
  return agent;
}

export async function taskNamed(
  fleet: Fleet,
  id: string,
): Promise<{ state: string; holder: string | null; lostLeases: number; failures: number }> {
  const task = await fleet.read(async (tx) => await tx.tasks.get(id));
  if (task === undefined) throw new Error(`there is no task ${id}`);
  return task;
}

/** The chain holds; every denial names its rule and its reason. */
export async function expectSoundLedger(fleet: Fleet): Promise<void> {
  const rows = await fleet.read(async (tx) => await tx.audit.list(1, 100_000));
  expect(checkChain(rows)).toMatchObject({ ok: true, checked: rows.length });
  const refusals = (await fleet.ledger()).filter(({ decision }) =>
    ["deny", "refuse", "error"].includes(decision),
  );
  expect(refusals.filter(({ reason }) => reason === null)).toEqual([]);
  expect(refusals.filter(({ decision, rule }) => decision === "deny" && rule === null)).toEqual([]);
}
