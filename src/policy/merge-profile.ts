import { DEFAULT_TEMPLATE, type PipelineTemplate } from "../core/pipeline-template.ts";
import type { PolicyLimit, PolicyRule } from "../core/policy-rules.ts";
import type { BreakerSettings, ProjectSettings } from "../core/settings.ts";
import type { ProfileFile, SettingsFile } from "./settings-schema.ts";

/**
 * A project's file on top of its profile. Rules and limits are added, one with the same id takes the
 * profile's place; of the other parts the file's fields replace the profile's, each as a whole.
 */
export function mergeProfile(file: SettingsFile, profile: ProfileFile): ProjectSettings {
  const tiers = { ...profile.tiers, ...given(file.tiers) };
  const breakers = { ...profile.breakers, ...given(file.breakers) };
  const thresholds = { ...profile.health.thresholds, ...given(file.health.thresholds ?? {}) };
  const stall = file.stall ?? profile.stall;
  const escalation = { ...profile.escalation, ...given(file.escalation) };
  return {
    profile: file.profile,
    autoApply: profile.auto_apply,
    gates: Object.fromEntries(
      Object.entries(file.gates).map(([name, each]) => [
        name,
        {
          run: each.run,
          timeoutMs: each.timeout,
          protected: each.protected,
          maxMemoryBytes: each.memory,
          maxOutputBytes: each.output,
        },
      ]),
    ),
    prepare:
      file.prepare === null
        ? null
        : { run: file.prepare.run, timeoutMs: file.prepare.timeout, key: file.prepare.key },
    policy: {
      default: file.policy.default ?? profile.policy.default,
      rules: mergeById(profile.policy.rules, file.policy.rules).map(toRule),
    },
    limits: mergeById(profile.limits, file.limits).map(toLimit),
    tiers: {
      start: tiers.start,
      may: { T0: tiers.T0.may, T1: tiers.T1.may, T2: tiers.T2.may },
      promote: toPromotion(tiers.promote),
      demote: toDemotion(tiers.demote),
    },
    violations: { ...profile.violations, ...given(file.violations) },
    breakers: { agent: toBreaker(breakers.agent), tool: toBreaker(breakers.tool) },
    health: {
      reportIntervalMs: file.health.report_interval ?? profile.health.report_interval,
      thresholds: {
        responseTimeMs: thresholds.response_time,
        completionRate: thresholds.completion_rate,
        errorRate: thresholds.error_rate,
        queueDepth: thresholds.queue_depth,
      },
    },
    stall: { afterMs: stall.after, response: stall.then },
    escalation: {
      peerAfterMs: escalation.peer_after,
      leadAfterMs: escalation.lead_after,
      personAfterMs: escalation.person_after,
      acknowledgedForMs: escalation.acknowledged_for,
      lead: escalation.lead,
    },
    enrolment: file.tokens?.enrolment ?? "optional",
    roles: file.roles,
    pipelines: Object.fromEntries(
      Object.entries(file.pipelines).map(([name, each]) => [name, toTemplate(each)]),
    ),
  };
}

/** What a template leaves out is the built-in one's. */
function toTemplate(file: SettingsFile["pipelines"][string]): PipelineTemplate {
  const base = DEFAULT_TEMPLATE;
  return {
    ...base,
    alpha: { ...base.alpha, ...given(file.alpha ?? {}) },
    beta: { ...base.beta, ...given(file.beta ?? {}) },
    ...given({
      voteMs: file.vote,
      stuckAfterMs: file.stuck_after,
      maxConflicts: file.max_conflicts,
      maxComplexity: file.max_complexity,
      stallAfterMs: file.stall_after,
      deadlineMs: file.deadline,
      onNoConsensus: file.on_no_consensus,
      reruns: file.reruns,
    }),
  };
}

function mergeById<Item extends { readonly id: string }>(
  base: readonly Item[],
  added: readonly Item[],
): readonly Item[] {
  const taken = new Set(added.map(({ id }) => id));
  return [...base.filter(({ id }) => !taken.has(id)), ...added];
}

type Given<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** Only the fields that are there: one that is undefined would hide the profile's. */
function given<Fields extends object>(fields: Fields): Given<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same fields, fewer of them
  return Object.fromEntries(entries) as Given<Fields>;
}

function toRule(rule: SettingsFile["policy"]["rules"][number]): PolicyRule {
  const { id, on, effect, severity, mode, reason } = rule;
  const approvers = rule.approvers ?? { role: "operator", count: 1 };
  return {
    id,
    on,
    when: rule.when ?? null,
    effect,
    approvers: effect === "require_approval" ? approvers : null,
    severity,
    mode,
    reason,
  };
}

function toLimit(limit: SettingsFile["limits"][number]): PolicyLimit {
  const { id, of, metric, max, diagnose, repeat } = limit;
  return {
    id,
    of,
    metric,
    max,
    perMs: limit.per ?? null,
    on: limit.on ?? ["*"],
    tier: limit.tier ?? null,
    response: limit.then,
    repeat:
      repeat === undefined
        ? null
        : { times: repeat.times, withinMs: repeat.within, response: repeat.then },
    diagnose,
  };
}

function toPromotion(
  promote: ProfileFile["tiers"]["promote"],
): ProjectSettings["tiers"]["promote"] {
  if (promote === null) return null;
  return { verified: promote.verified, distinctTasks: promote.tasks };
}

function toDemotion(demote: ProfileFile["tiers"]["demote"]): ProjectSettings["tiers"]["demote"] {
  if (demote === null) return null;
  return { violations: demote.violations, failures: demote.failures, withinMs: demote.within };
}

function toBreaker(breaker: ProfileFile["breakers"]["agent"]): BreakerSettings | null {
  if (breaker === null) return null;
  return {
    minCalls: breaker.min_calls,
    errorRatio: breaker.error_ratio,
    windowMs: breaker.window,
    openForMs: breaker.open_for,
    maxOpenMs: breaker.max_open,
    probes: breaker.probes,
  };
}
