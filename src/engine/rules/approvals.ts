import type { Agent } from "../../core/agent.ts";
import { isFields, subjectHash, subjectOf, type Fields } from "../../core/approval-subject.ts";
import {
  expireApproval,
  isForCaller,
  requestApproval,
  spendApproval,
  type Approval,
  type Use,
} from "../../core/approval.ts";
import { toJson } from "../../core/canonical-json.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { HeldAction } from "../../core/held-action.ts";
import { formatId } from "../../core/ids.ts";
import { block } from "../../core/task-decisions.ts";
import type { Task } from "../../core/task.ts";
import type { WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { saveMoved } from "../move-task.ts";
import { readField } from "../read-call.ts";
import { emitEvent } from "./outbox.ts";
import { saveApproval } from "./save-approval.ts";

/** What kind of blocker an approval is. */
const APPROVAL_BLOCKER = "approval";

/** One rule's wish that people say yes. */
export interface Demand {
  readonly rule: string;
  readonly reason: string;
  readonly role: string;
  readonly count: number;
}

/** The call that waits for a yes. */
export interface Asked {
  readonly agent: Agent;
  readonly tool: string;
  readonly input: unknown;
  readonly facts: JsonObject;
  /** The task that it is about. */
  readonly task: Task | undefined;
}

/** What was approved, as it was asked for; that is what runs. */
export interface Cleared {
  /** Used up once the action has happened, and not where it was refused after all. */
  readonly spent: readonly HeldAction[];
  readonly input: unknown;
  readonly facts: JsonObject;
}

/** The grants for this very action; or what people are asked for now, as some are missing. */
export async function clearAction(
  ctx: WriteContext,
  asked: Asked,
  { demands, tryOut }: { demands: readonly Demand[]; tryOut: () => Promise<void> },
): Promise<Cleared | { readonly waitsFor: readonly HeldAction[] }> {
  const { agent, task } = asked;
  const subject = subjectHash(subjectOf(asked.tool, fieldsOf(asked.input), factsOf(asked.facts)));
  const taskId = task?.holder === agent.name ? task.id : undefined;
  const use: Use = { agent: agent.name, subject, taskId, principal: agent.principal };
  const open = (await ctx.tx.approvals.openFor(subject)).filter(({ approval }) =>
    isForCaller(approval, use),
  );
  const found = demands.map((demand) =>
    open.find(({ approval }) => meets(approval, demand, ctx.nowMs)),
  );
  // Nobody is asked about what would be refused all the same.
  if (found.includes(undefined)) await tryOut();
  const held: HeldAction[] = [];
  for (const [index, demand] of demands.entries()) {
    held.push(found[index] ?? (await request(ctx, asked, { demand, subject })));
  }
  const spent: HeldAction[] = [];
  for (const action of held) {
    const move = spendApproval(action.approval, use, ctx.nowMs);
    if (!move.ok) {
      await blockTask(ctx, asked, action);
      return { waitsFor: held };
    }
    spent.push({ ...action, approval: move.approval });
  }
  const [first] = held;
  // Of the facts those count by which it is the same action; the others are as they are by now.
  return { spent, input: asStored(first?.input, asked.input), facts: asked.facts };
}

/** A yes under an older version of the rules counts where it was no smaller a yes. */
function meets(approval: Approval, { rule, role, count }: Demand, nowMs: number): boolean {
  const { need } = approval;
  if (approval.rule !== rule || need.role !== role || need.count < count) return false;
  return expireApproval(approval, nowMs).state !== "expired";
}

/** What was approved; but for the lease, which is that of the caller. */
function asStored(stored: unknown, sent: unknown): unknown {
  if (typeof stored !== "object" || stored === null) return sent;
  const fence = readField(sent, "fence");
  return { ...stored, ...(fence === undefined ? {} : { fence }) };
}

/** The action has happened: nobody can do it again with the same yes. */
export async function spendApprovals(ctx: WriteContext, { spent }: Cleared): Promise<void> {
  for (const action of spent) await saveApproval(ctx, action, "granted");
}

/** Grants that nobody used in time are over; a request never is. */
export async function expireApprovals(ctx: WriteContext): Promise<void> {
  for (const action of await ctx.tx.approvals.due(ctx.nowMs)) {
    const approval = expireApproval(action.approval, ctx.nowMs);
    if (approval !== action.approval) await saveApproval(ctx, { ...action, approval }, "granted");
  }
}

/** The refusal that a call gets which waits for people. */
export function approvalRequired(waitsFor: readonly HeldAction[]): GuvnorError {
  const ids = waitsFor.map(({ approval }) => approval.id);
  const [first] = waitsFor;
  const tool = first?.approval.tool ?? "";
  return new GuvnorError(
    "approval_required",
    `A person must approve this first (${ids.join(", ")}): ${first?.reason ?? ""}`,
    `Take other work with request_task; the inbox tells you. Then call ${tool} again with the same arguments: what was approved runs, once.`,
    { details: { approval_id: ids[0] ?? "", approvals: ids } },
  );
}

async function request(
  ctx: WriteContext,
  { agent, tool, input, facts, task }: Asked,
  { demand, subject }: { demand: Demand; subject: string },
): Promise<HeldAction> {
  const approval = requestApproval(
    {
      id: formatId("approval", await ctx.tx.nextNumber("approval")),
      tool,
      subject,
      rule: demand.rule,
      taskId: task?.id ?? null,
      requester: { agent: agent.name, principal: agent.principal },
      producers: await producersOf(ctx, task),
      need: {
        role: demand.role,
        count: demand.count,
        // In local mode one person runs the agents and answers for them.
        excludePrincipals: ctx.deps.issuer.vouch().kind !== "process",
      },
    },
    ctx.nowMs,
  );
  const action: HeldAction = { approval, input: bound(input, facts), facts, reason: demand.reason };
  await saveApproval(ctx, action, null);
  await emitEvent(ctx, "approval_requested", {
    id: approval.id,
    agent: agent.name,
    tool,
    rule: demand.rule,
  });
  return action;
}

/** Its task waits with it, so that the agent may take other work. */
async function blockTask(
  ctx: WriteContext,
  { agent, task }: Asked,
  { approval, reason: text }: HeldAction,
): Promise<void> {
  if (task?.state !== "running" || task.holder !== agent.name) return;
  const { id } = approval;
  const reason = { kind: APPROVAL_BLOCKER, text: `Waits for ${id}: ${text}`, blockedBy: id };
  await saveMoved(ctx, task, block(task, reason, ctx.nowMs), { blocker: APPROVAL_BLOCKER });
}

/** Whoever worked on the task may not approve it either. */
async function producersOf(
  ctx: WriteContext,
  task: Task | undefined,
): Promise<Approval["producers"]> {
  if (task === undefined) return [];
  const names = new Set((await ctx.tx.attempts.list(task.id)).map(({ agent }) => agent));
  const producers = [];
  for (const name of names) {
    const agent = await ctx.tx.agents.get(name);
    producers.push({ agent: name, principal: agent?.principal ?? "" });
  }
  return producers;
}

/**
 * The very commit is approved, not the name by which it was called, which may move. What belongs to
 * this one call is not kept: a session is a secret, and a lease may be another one by then.
 */
function bound(input: unknown, facts: JsonObject): unknown {
  if (typeof input !== "object" || input === null) return input;
  const kept = Object.entries(input).filter(([name]) => !OF_ONE_CALL.has(name));
  return { ...Object.fromEntries(kept), ...factsOf(facts) };
}

const OF_ONE_CALL: ReadonlySet<string> = new Set([
  "session",
  "fence",
  "request_id",
  "wait_seconds",
]);

/** What `prepare` found that belongs to the subject: the commit that was resolved. */
function factsOf({ named, head }: JsonObject): Fields {
  const commit = typeof named === "string" ? named : head;
  return typeof commit === "string" ? { commit } : {};
}

function fieldsOf(input: unknown): Fields {
  const json = toJson(input);
  return isFields(json) ? json : {};
}
