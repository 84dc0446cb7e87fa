import { z } from "zod";

import {
  APPROVAL_STATES,
  grantApproval,
  refuseApproval,
  type ApprovalMove,
  type ApprovalProblem,
  type Approver,
} from "../../core/approval.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { HeldAction } from "../../core/held-action.ts";
import { withoutSealed } from "../../core/sealed-fields.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import { unblock } from "../../core/task-decisions.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { sendToInbox } from "../inbox.ts";
import { isPresent } from "../is-present.ts";
import { endAttempt, hasRunning, saveMoved } from "../move-task.ts";
import type { Operation, Outcome } from "../operation.ts";
import { emitEvent } from "../rules/outbox.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";
import { saveApproval } from "../rules/save-approval.ts";
import { iso, present } from "../task-view.ts";
import { definePersonOperation } from "./define-person-operation.ts";

/** A yes is for now: a grant that nobody used by then has to be given again. */
const GRANT_TTL_MS = 24 * 3_600_000;
const MAX_ROWS = 1000;

const approvalId = z.string().regex(/^A[1-9][0-9]*$/, "an approval id such as A5");
const decisionInput = z.strictObject({
  approval_id: approvalId,
  reason: z.string().trim().max(2000).optional(),
});

const listApprovals = definePersonOperation({
  name: "approvals_list",
  input: z.strictObject({
    state: z.enum(APPROVAL_STATES).optional(),
    limit: z.int().min(1).max(MAX_ROWS).optional(),
  }),
  handle: async ({ tx }, { state, limit = 100 }): Promise<Outcome> => ({
    answer: { approvals: (await tx.approvals.list(state, limit)).map(approvalRow) },
  }),
});

const showApproval = definePersonOperation({
  name: "approvals_show",
  input: z.strictObject({ approval_id: approvalId }),
  handle: async (ctx, { approval_id: id }): Promise<Outcome> => {
    const action = await requireApproval(ctx, id);
    return {
      answer: {
        approval: { ...approvalRow(action), arguments: shownInput(action), found: action.facts },
      },
      target: id,
    };
  },
});

/** What would be done; a ballot stays sealed, and the approval is to the agent's vote, whatever it is. */
function shownInput({ approval: { tool }, input }: HeldAction): JsonObject {
  return typeof input === "object" && input !== null ? withoutSealed(tool, { ...input }) : {};
}

const grant = definePersonOperation({
  name: "approvals_grant",
  input: decisionInput,
  handle: async (ctx, { approval_id: id, reason }): Promise<Outcome> => {
    const action = await requireApproval(ctx, id);
    const saved = await decide(ctx, action, (approver) => {
      const at = { nowMs: ctx.nowMs, grantTtlMs: GRANT_TTL_MS };
      return withReason(grantApproval(action.approval, approver, at), reason);
    });
    if (saved.approval.state === "granted") await tellRequester(ctx, saved, true);
    return { answer: { approval: approvalRow(saved) }, target: id };
  },
});

const refuse = definePersonOperation({
  name: "approvals_refuse",
  input: decisionInput,
  handle: async (ctx, { approval_id: id, reason = "no reason given" }): Promise<Outcome> => {
    const action = await requireApproval(ctx, id);
    const saved = await decide(ctx, action, (approver) =>
      refuseApproval(action.approval, approver, { nowMs: ctx.nowMs, reason }),
    );
    await tellRequester(ctx, saved, false);
    return { answer: { approval: approvalRow(saved) }, target: id };
  },
});

/** The roles that guvnor.yaml gives this person; where it names nobody, everybody is an operator. */
function approverOf(ctx: CallContext, { roles }: Pick<ProjectSettings, "roles">): Approver {
  const person = callingPerson(ctx);
  const name = person.replace(/^person:/, "");
  const named = Object.entries(roles)
    .filter(([, members]) => members.includes(name))
    .map(([role]) => role);
  const isOpen = !Object.hasOwn(roles, "operator");
  return { name: person, principal: name, roles: isOpen ? ["operator", ...named] : named };
}

async function decide(
  ctx: CallContext,
  action: HeldAction,
  moveBy: (approver: Approver) => ApprovalMove,
): Promise<HeldAction> {
  const { settings } = await rulesInForce(ctx);
  const approver = approverOf(ctx, settings);
  const move = moveBy(approver);
  if (!move.ok) {
    const { problem } = move;
    throw problem === "lacks_role"
      ? lacksRole(action, approver, settings)
      : notMoved(action, problem);
  }
  const saved = { ...action, approval: move.approval };
  await saveApproval(ctx, saved, action.approval.state);
  const { id, state } = move.approval;
  await emitEvent(ctx, "approval", { id, state });
  return saved;
}

/** What the last one who said yes has to say to it. */
function withReason(move: ApprovalMove, reason: string | undefined): ApprovalMove {
  if (!move.ok || reason === undefined || reason === "") return move;
  return { ok: true, approval: { ...move.approval, reason } };
}

/** The task goes on; if its agent is gone the grant waits for it. */
async function tellRequester(
  ctx: CallContext,
  { approval }: HeldAction,
  isGranted: boolean,
): Promise<void> {
  const { id, taskId, tool, requester } = approval;
  const task = taskId === null ? undefined : await ctx.tx.tasks.get(taskId);
  if (task?.state === "blocked" && task.blocker?.blockedBy === id && task.holder !== null) {
    const goesOn = (await isPresent(ctx, task.holder)) && !(await hasRunning(ctx, task.holder));
    await saveMoved(ctx, task, unblock(task, goesOn, ctx.nowMs), { unblocked_by: id });
    if (!goesOn) await endAttempt(ctx, task, "lost", true);
  }
  await sendToInbox(ctx, {
    to: requester.agent,
    from: ctx.actor,
    kind: "message",
    subject: taskId ?? id,
    text: isGranted
      ? `${id} is granted${approval.reason === null ? "" : ` (${approval.reason})`}: call ${tool} again with the same arguments. It runs once.`
      : `${id} is refused: ${approval.reason ?? ""} Do not try it again as it is.`,
  });
}

async function requireApproval({ tx }: CallContext, id: string): Promise<HeldAction> {
  const action = await tx.approvals.get(id);
  if (action !== undefined) return action;
  throw new GuvnorError(
    "approval_not_found",
    `There is no approval ${id}.`,
    "See what there is: guvnor approvals list",
  );
}

const WHY: Record<Exclude<ApprovalProblem, "lacks_role">, string> = {
  state_conflict: "is decided already",
  is_party: "cannot be approved by whoever asked for it or made what it is about",
  granted_already: "has your yes already; it needs another person's",
  other_subject: "is about another action",
  not_requester: "belongs to another agent",
  expired: "was granted too long ago",
};

/** Says who was asked for, who came, and who could say it. */
function lacksRole(
  { approval: { id, need } }: HeldAction,
  { principal: you }: Approver,
  { roles }: Pick<ProjectSettings, "roles">,
): GuvnorError {
  const { role } = need;
  const members = roles[role] ?? [];
  const isNobody = members.length === 0;
  return new GuvnorError(
    "person_required",
    `${id} needs somebody with the role ${role}. You are ${you}; ${
      isNobody ? `nobody has the role ${role}` : `the role ${role} has ${members.join(", ")}`
    }.`,
    isNobody
      ? `List people under roles in guvnor.yaml, by the names of their users, and run: guvnor policy apply`
      : `One of them decides it: guvnor approvals show ${id}`,
    { details: { problem: "lacks_role", role, you, members } },
  );
}

function notMoved(
  { approval }: HeldAction,
  problem: Exclude<ApprovalProblem, "lacks_role">,
): GuvnorError {
  return new GuvnorError(
    problem === "is_party" ? "person_required" : "state_conflict",
    `${approval.id} ${WHY[problem]}.`,
    `Look at it: guvnor approvals show ${approval.id}`,
    { details: { problem } },
  );
}

function approvalRow({ approval, reason }: HeldAction): JsonObject {
  const { need, grants } = approval;
  return present({
    id: approval.id,
    state: approval.state,
    agent: approval.requester.agent,
    tool: approval.tool,
    task: approval.taskId,
    rule: approval.rule,
    why: reason,
    role: need.role,
    needed: need.count,
    granted_by: grants.map(({ name }) => name),
    subject: approval.subject,
    requested_at: iso(approval.requestedAtMs),
    expires_at: approval.expiresAtMs === null ? null : iso(approval.expiresAtMs),
    ended_by: approval.endedBy,
    reason: approval.reason,
  });
}

export const approvalOperations: readonly Operation[] = [
  listApprovals,
  showApproval,
  grant,
  refuse,
];
