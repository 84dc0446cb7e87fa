import { GuvnorError } from "../../core/errors.ts";
import type { LimitMetric, PolicyLimit } from "../../core/policy-rules.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import { limitViolation } from "../../core/violation.ts";
import type { WriteContext } from "../call-context.ts";
import { makeDiagnosis } from "./diagnosis.ts";
import { countAmount, type Exceeded, type Metered } from "./limits.ts";
import { revokeAgent } from "./revoke-agent.ts";
import { raiseProjectStop } from "./stops.ts";
import { recordViolation } from "./violations.ts";

const WORDS: Record<LimitMetric, string> = {
  calls: "calls",
  errors: "errors and failed work",
  denials: "denied calls",
  tokens: "tokens",
  cost_usd: "US dollars",
  running_tasks: "running tasks",
  task_minutes: "minutes on one task",
};

/** What a limit says happens to whoever exceeds it; the answer to the call that did. */
export async function enforceLimit(
  ctx: WriteContext,
  settings: ProjectSettings,
  { who, exceeded }: { who: Metered; exceeded: Exceeded },
): Promise<GuvnorError> {
  const { limit, verdict } = exceeded;
  const what = describe(exceeded);
  const name = who.agent?.name;
  // Once: one that is revoked already may go on calling for a while.
  if (verdict.consequence === "revoke" && name !== undefined) {
    const isNew = await revokeAgent(ctx, name, what);
    if (isNew && limit.diagnose) await makeDiagnosis(ctx, name, what);
  }
  if (verdict.episodeStarts && name !== undefined) {
    const { action, severity } = limitViolation(verdict.consequence);
    const violation = { agent: name, rule: null, limit: limit.id, severity, what, action };
    await recordViolation(ctx, settings, violation);
  }
  if (verdict.consequence === "stop") {
    await raiseProjectStop(ctx, { by: `limit:${limit.id}`, reason: what });
  }
  return toError(exceeded, what);
}

interface Counted {
  readonly metric: LimitMetric;
  readonly amount: number;
  /** Those that look at the tool that was called; all, where none was. */
  readonly limits?: readonly PolicyLimit[] | undefined;
}

/** An amount that is known after the fact; whoever has too much of it feels it now. */
export async function countFor(
  ctx: WriteContext,
  settings: ProjectSettings,
  who: Metered,
  counted: Counted,
): Promise<void> {
  const { limits = settings.limits } = counted;
  const exceeded = await countAmount(ctx, { who, limits }, counted);
  if (exceeded !== undefined) await enforceLimit(ctx, settings, { who, exceeded });
}

function describe({ limit }: Exceeded): string {
  const { max, perMs, metric, of } = limit;
  const whose = of === "agent" ? "" : ` of the ${of} together`;
  const time = perMs === null ? "" : ` in ${perMs / 1000} s`;
  return `More than ${max} ${WORDS[metric]}${whose}${time} (limit "${limit.id}").`;
}

function toError({ limit, verdict }: Exceeded, what: string): GuvnorError {
  const { retryAfterMs, consequence } = verdict;
  if (consequence === "revoke") {
    const fix = "End your turn and tell your person.";
    return new GuvnorError("agent_revoked", what, fix, { details: { limit: limit.id } });
  }
  if (consequence === "stop") {
    const fix = "End your turn; you will be started again.";
    return new GuvnorError("stopped", what, fix, { details: { limit: limit.id } });
  }
  const seconds = retryAfterMs === null ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000));
  const fix =
    seconds === undefined
      ? "Finish or release what you hold first, or ask a person with request_escalation."
      : `Wait ${seconds} seconds before the next call, and call less often.`;
  return new GuvnorError("limited", what, fix, {
    details: {
      limit: limit.id,
      ...(seconds === undefined ? {} : { retry_after_seconds: seconds }),
    },
  });
}
