/** Every code a caller may see. The list is closed; docs/errors.md explains each one. */
export const ERROR_CODES = [
  "agent_revoked",
  "agent_unknown",
  "already_voted",
  "approval_not_found",
  "approval_required",
  "audit_broken",
  "breaker_open",
  "busy",
  "config_invalid",
  "dependency_cycle",
  "escalation_not_found",
  "gate_unknown",
  "git_unavailable",
  "input_invalid",
  "input_too_large",
  "internal",
  "issuer_unavailable",
  "key_invalid",
  "limited",
  "message_not_found",
  "no_project",
  "not_electorate",
  "not_eligible",
  "not_holder",
  "person_required",
  "pipeline_not_found",
  "plan_not_found",
  "policy_denied",
  "request_id_reused",
  "schema_newer",
  "session_required",
  "session_unknown",
  "solution_unknown",
  "stale_lease",
  "state_conflict",
  "stopped",
  "storage_failed",
  "task_cancelled",
  "task_not_found",
  "task_not_ready",
  "token_invalid",
  "tool_unknown",
  "topic_closed",
  "topic_not_found",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

interface GuvnorErrorOptions {
  /** Facts an agent can act on; JSON only. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The only error thrown on purpose. `code` is the contract with callers, `message` tells a person
 * what happened, `fix` tells an agent what to do next; `cause` keeps the original failure.
 */
export class GuvnorError extends Error {
  readonly code: ErrorCode;
  readonly fix: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, fix: string, options: GuvnorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "GuvnorError";
    this.code = code;
    this.fix = fix;
    this.details = options.details;
  }
}
