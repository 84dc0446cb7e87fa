import type { ErrorCode } from "../../src/core/errors.ts";

interface ErrorText {
  readonly meaning: string;
  readonly remedy: string;
}

/** What docs/errors.md says of each code. */
export const ERROR_TEXTS: Readonly<Record<ErrorCode, ErrorText>> = {
  agent_revoked: {
    meaning: "The agent lost its token: a limit, a critical violation or a person revoked it.",
    remedy: "A person looks why (`guvnor violations list`) and runs `guvnor agents restore`.",
  },
  agent_unknown: {
    meaning: "No registered agent has this name or role, or a person called what only agents can.",
    remedy: "Name an agent of `get_status` with scope `agents`.",
  },
  already_voted: {
    meaning: "This member has cast its ballot in this round; ballots are final.",
    remedy: "Wait for the result with `read_board`.",
  },
  approval_not_found: {
    meaning: "There is no approval with this id.",
    remedy: "Look for it with `guvnor approvals list`.",
  },
  approval_required: {
    meaning:
      "A rule wants people to say yes to this very action first; `details` names what is asked.",
    remedy:
      "Do other work. When it is granted, call the tool again with the same arguments: what was approved runs, once.",
  },
  audit_broken: {
    meaning: "The ledger does not hold: an entry was changed, moved or cut off.",
    remedy: "Look at the entry that is named; compare with an export or a head kept elsewhere.",
  },
  breaker_open: {
    meaning: "Too many of the last calls of this tool, or tasks of this agent, failed.",
    remedy:
      "Wait as long as `details.retry_after_seconds` says; then single tries are let through.",
  },
  busy: {
    meaning:
      "The database stayed locked for 5 s, or an older guvnor still uses it during an upgrade.",
    remedy: "Try again; nothing was done. If it stays, look for a stopped (suspended) process.",
  },
  config_invalid: {
    meaning: "A setting is wrong: an environment variable, or `guvnor.yaml` at the place named.",
    remedy: "Correct it as settings.md says; what was in force stays.",
  },
  dependency_cycle: {
    meaning: "Tasks of the plan wait for each other; `details.cycle` has the whole cycle.",
    remedy: "Take one of these dependencies out of `after`.",
  },
  escalation_not_found: {
    meaning: "There is no such question, or another agent asked it.",
    remedy: "Use an `escalation_id` that `request_escalation` gave you.",
  },
  gate_unknown: {
    meaning: "A task names a gate that is not in force.",
    remedy: "Leave `gates` out, or name some of those listed.",
  },
  git_unavailable: {
    meaning:
      "git is missing, older than 2.38 or failed; or a directory or commit is of another repository.",
    remedy: "Do what `fix` says; work in this repository or a worktree of it.",
  },
  input_invalid: {
    meaning:
      "The arguments do not fit the tool, name something impossible, or hold forbidden text.",
    remedy: "Correct the fields that the message names.",
  },
  input_too_large: {
    meaning: "The call is over 8 MiB, 32 levels or 100,000 values.",
    remedy: "Send less in one call; put large data into a file and send its path.",
  },
  internal: {
    meaning: "Something went wrong inside guvnor. The call's changes were undone.",
    remedy: "Try once more; then tell a person the call's id, which is in the log.",
  },
  issuer_unavailable: {
    meaning:
      "Vault vouches for the agents of this process, cannot be reached, and what it issued is over.",
    remedy: "Call again in a minute. A person looks with `guvnor doctor`.",
  },
  key_invalid: {
    meaning: "The operator key is unreadable, open to others, no key, or not this project's.",
    remedy: "Do what `fix` says.",
  },
  limited: {
    meaning: "A limit of `guvnor.yaml` is used up; `details.limit` names it.",
    remedy: "Wait as long as `details.retry_after_seconds` says, or finish what is held.",
  },
  message_not_found: {
    meaning: "There is no such message in that place, or the agent may not read it.",
    remedy: "Take ids from `read_messages`, and reply in the channel of the message.",
  },
  no_project: {
    meaning: "No project was initialised for this directory.",
    remedy: "A person runs `guvnor init` there; the next call finds it.",
  },
  not_electorate: {
    meaning: "The agent is not among those who may propose and vote.",
    remedy: "Leave it to them.",
  },
  not_eligible: {
    meaning:
      "The agent lacks a capability the task needs, holds as many tasks as it may, or may not veto on this topic.",
    remedy: "Take another task, finish or release one, or vote without a veto.",
  },
  not_holder: {
    meaning: "The task is not held by this agent, and never was.",
    remedy: "Report only on tasks that `request_task` gave you.",
  },
  person_required: {
    meaning: "Only a person may do this.",
    remedy:
      "An agent asks one with `request_escalation`; a person uses the operator key or a terminal.",
  },
  pipeline_not_found: {
    meaning: "There is no such pipeline.",
    remedy: "`guvnor pipeline list` shows them.",
  },
  plan_not_found: { meaning: "There is no such plan.", remedy: "Look at `get_status`." },
  policy_denied: {
    meaning:
      "A rule, a tier or the default of `guvnor.yaml` forbids the call; `details.rule` names it.",
    remedy: "Do something else. `guvnor policy explain` shows a person why.",
  },
  request_id_reused: {
    meaning: "The `request_id` was used with other arguments.",
    remedy: "Use a new one for each new call.",
  },
  schema_newer: {
    meaning: "A newer guvnor has upgraded the database.",
    remedy: "Upgrade this one and start it again.",
  },
  session_required: {
    meaning: "Several agents share the connection, and the call does not say which one calls.",
    remedy: "Add the `session` that `register_agent` answered.",
  },
  session_unknown: {
    meaning: "No agent has this session; registering again without it makes a new one.",
    remedy: "Call `register_agent` without `session`.",
  },
  solution_unknown: {
    meaning: "The topic has no such solution, or it is not on this round's ballot.",
    remedy: "Read the ids with `read_board`.",
  },
  stale_lease: {
    meaning:
      "The agent's lease is over: the task is free, ended, or another agent's under a new fence.",
    remedy: "Stop working on it and call `request_task`. Nothing of the late report was taken.",
  },
  state_conflict: {
    meaning: "The thing is not in a state in which this can happen.",
    remedy: "Read its state, then do what `fix` says.",
  },
  stopped: {
    meaning: "A person, a limit or a violation has stopped this agent, the project or everything.",
    remedy: "End the turn. Reports that came meanwhile are kept and count after `guvnor resume`.",
  },
  storage_failed: {
    meaning: "The disk is full, read-only or broken, or lies on a shared filesystem.",
    remedy: "Do what `fix` says; the call was not carried out.",
  },
  task_cancelled: {
    meaning: "The task was cancelled while the agent worked on it.",
    remedy: "Stop working on it and call `request_task`.",
  },
  task_not_found: { meaning: "There is no such task.", remedy: "Look at `get_status`." },
  task_not_ready: {
    meaning: "The task was asked for by id but cannot be claimed now.",
    remedy: "Call `request_task` without `task_id`.",
  },
  token_invalid: {
    meaning:
      "The token, or the enrolment that it comes from, is unknown, over or revoked, or does not cover the tool; or Vault refused the login.",
    remedy:
      "A person makes a new one (`guvnor tokens enrol`) and sets `GUVNOR_TOKEN`; with Vault, does what `fix` says. Where only the tool is not covered: do something else.",
  },
  tool_unknown: {
    meaning: "There is no such tool.",
    remedy: "Use one of those that `fix` lists.",
  },
  topic_closed: {
    meaning: "The topic takes no more solutions, or no more ballots.",
    remedy: "Read how it ended with `read_board`.",
  },
  topic_not_found: { meaning: "There is no such topic.", remedy: "List them with `read_board`." },
};
