/** Whose yes is needed. */
export interface ApprovalNeed {
  /** The role that an approver must have. */
  readonly role: string;
  /** So many different people, at least 1. */
  readonly count: number;
  /** Whoever answers for the requester or a producer may not approve either. */
  readonly excludePrincipals: boolean;
}

/** An agent, and who answers for it. */
interface Party {
  readonly agent: string;
  readonly principal: string;
}

export const APPROVAL_STATES = [
  "requested",
  "granted",
  "refused",
  "withdrawn",
  "used",
  "expired",
] as const;

export interface Grant {
  readonly name: string;
  readonly principal: string;
  readonly atMs: number;
}

/** A person's yes or no to one exact action. A type, so that it is plain JSON to the compiler. */
export type Approval = {
  readonly id: string;
  readonly tool: string;
  /** subjectHash of the action. */
  readonly subject: string;
  /** The policy rule that asked for it. */
  readonly rule: string | null;
  readonly taskId: string | null;
  readonly requester: Party;
  /** Agents whose work it is about. */
  readonly producers: readonly Party[];
  readonly need: ApprovalNeed;
  readonly state: (typeof APPROVAL_STATES)[number];
  readonly grants: readonly Grant[];
  readonly requestedAtMs: number;
  readonly grantedAtMs: number | null;
  /** A grant that nobody used until then expires; null before it is granted. */
  readonly expiresAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Who refused or withdrew it. */
  readonly endedBy: string | null;
  readonly reason: string | null;
};

export interface Approver {
  /** As the ledger has it: "person:eve", or an agent's name where policy lets agents approve. */
  readonly name: string;
  /** Who it is, or who answers for it; two names with one principal are one person. */
  readonly principal: string;
  readonly roles: readonly string[];
}

/** Why an approval does not move. */
export type ApprovalProblem =
  /** It is not in a state for that. */
  | "state_conflict"
  | "lacks_role"
  /** Requester, producer, or who answers for them where that is excluded. */
  | "is_party"
  | "granted_already"
  /** Another action than the one approved. */
  | "other_subject"
  | "not_requester"
  /** It was granted, but too long ago. */
  | "expired";

export type ApprovalMove =
  | { readonly ok: true; readonly approval: Approval }
  | { readonly ok: false; readonly problem: ApprovalProblem };

export function requestApproval(
  asked: Pick<
    Approval,
    "id" | "tool" | "subject" | "rule" | "taskId" | "requester" | "producers" | "need"
  >,
  nowMs: number,
): Approval {
  return {
    ...asked,
    state: "requested",
    grants: [],
    requestedAtMs: nowMs,
    grantedAtMs: null,
    expiresAtMs: null,
    endedAtMs: null,
    endedBy: null,
    reason: null,
  };
}

/**
 * One yes; with `need.count` of them it is granted.
 *
 * requested –N of M say yes→ granted –the very action is called→ used, or –grantTtlMs→ expired;
 * requested –one says no→ refused, or –the requester gives up→ withdrawn. Time makes nothing of a
 * request: it never lapses into a no.
 */
export function grantApproval(
  approval: Approval,
  approver: Approver,
  { nowMs, grantTtlMs }: { readonly nowMs: number; readonly grantTtlMs: number },
): ApprovalMove {
  const problem = approverProblem(approval, approver);
  if (problem !== undefined) return { ok: false, problem };
  const { name, principal } = approver;
  const grants = [...approval.grants, { name, principal, atMs: nowMs }];
  if (grants.length < approval.need.count) return { ok: true, approval: { ...approval, grants } };
  return {
    ok: true,
    approval: {
      ...approval,
      state: "granted",
      grants,
      grantedAtMs: nowMs,
      expiresAtMs: nowMs + grantTtlMs,
    },
  };
}

/**
 * Why this approver's yes would not count; undefined when it would.
 * @internal Exported for its tests.
 */
export function approverProblem(
  { state, need, requester, producers, grants }: Approval,
  { name, principal, roles }: Approver,
): ApprovalProblem | undefined {
  if (state !== "requested") return "state_conflict";
  if (!roles.includes(need.role)) return "lacks_role";
  const parties = [requester, ...producers];
  if (parties.some(({ agent }) => agent === name)) return "is_party";
  if (need.excludePrincipals && parties.some((party) => party.principal === principal)) {
    return "is_party";
  }
  const isSame = grants.some((grant) => grant.name === name || grant.principal === principal);
  return isSame ? "granted_already" : undefined;
}

/**
 * One no ends it, whoever said yes before. A no is the safe answer: it takes the role, and is taken
 * from those too whose yes would not count.
 */
export function refuseApproval(
  approval: Approval,
  approver: Approver,
  { nowMs, reason }: { readonly nowMs: number; readonly reason: string },
): ApprovalMove {
  if (approval.state !== "requested") return { ok: false, problem: "state_conflict" };
  if (!approver.roles.includes(approval.need.role)) return { ok: false, problem: "lacks_role" };
  return { ok: true, approval: end(approval, "refused", { by: approver.name, reason }, nowMs) };
}

/** The action is wanted no more, or cannot happen any more (task cancelled). @param by - Who says so. */
export function withdrawApproval(
  approval: Approval,
  { by, reason }: { readonly by: string; readonly reason: string },
  nowMs: number,
): ApprovalMove {
  if (approval.state !== "requested") return { ok: false, problem: "state_conflict" };
  return { ok: true, approval: end(approval, "withdrawn", { by, reason }, nowMs) };
}

export interface Use {
  readonly agent: string;
  /** subjectHash of what is done now. */
  readonly subject: string;
  /** The task that the agent holds and does it for. */
  readonly taskId?: string | undefined;
  /** Who answers for the agent. */
  readonly principal?: string | undefined;
}

/**
 * The action happens, once, and exactly as it was approved: by the agent that asked, or by whoever
 * holds the task by now that it was asked for, as a grant hangs on the task.
 */
export function spendApproval(approval: Approval, use: Use, nowMs: number): ApprovalMove {
  const problem = spendProblem(approval, use, nowMs);
  if (problem !== undefined) return { ok: false, problem };
  return { ok: true, approval: { ...approval, state: "used", endedAtMs: nowMs } };
}

/**
 * Whether a call may go by this approval: it is its requester's, or that of the task it holds. Who
 * said yes and answers for the holder of today would have said it to itself.
 */
export function isForCaller(
  { requester, taskId, need, grants }: Approval,
  { agent, taskId: held, principal }: Omit<Use, "subject">,
): boolean {
  if (requester.agent === agent) return true;
  if (taskId === null || taskId !== held) return false;
  return !need.excludePrincipals || grants.every((grant) => grant.principal !== principal);
}

function spendProblem(approval: Approval, use: Use, nowMs: number): ApprovalProblem | undefined {
  if (!isForCaller(approval, use)) return "not_requester";
  if (approval.subject !== use.subject) return "other_subject";
  // Whether or not somebody has looked after what is due.
  const { state } = expireApproval(approval, nowMs);
  if (state === "expired") return "expired";
  return state === "granted" ? undefined : "state_conflict";
}

/** What time makes of it: of a grant that nobody used. The same object where nothing is due. */
export function expireApproval(approval: Approval, nowMs: number): Approval {
  const { state, expiresAtMs } = approval;
  if (state !== "granted" || expiresAtMs === null || nowMs < expiresAtMs) return approval;
  return { ...approval, state: "expired", endedAtMs: nowMs };
}

function end(
  approval: Approval,
  state: "refused" | "withdrawn",
  { by, reason }: { readonly by: string; readonly reason: string },
  nowMs: number,
): Approval {
  return { ...approval, state, endedAtMs: nowMs, endedBy: by, reason };
}
