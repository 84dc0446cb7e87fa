import type { Severity } from "../../core/escalation.ts";
import { formatId } from "../../core/ids.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import { afterViolation } from "../../core/trust.ts";
import { doneAbout, type ViolationAction } from "../../core/violation.ts";
import type { WriteContext } from "../call-context.ts";
import { emitEvent } from "./outbox.ts";
import { revokeAgent, revokeEnrolment } from "./revoke-agent.ts";
import { raiseProjectStop } from "./stops.ts";
import { tokenOf } from "./tokens.ts";
import { moveTrust } from "./trust.ts";

export interface NewViolation {
  readonly agent: string;
  /** One of them, or none for what the code itself forbids. */
  readonly rule: string | null;
  readonly limit: string | null;
  readonly severity: Severity;
  readonly what: string;
  /** What was done to the call. */
  readonly action: ViolationAction;
  readonly taskId?: string | null;
}

/** Records it, tells people, and does what the settings say for its severity. */
export async function recordViolation(
  ctx: WriteContext,
  settings: ProjectSettings,
  { taskId = null, ...given }: NewViolation,
): Promise<void> {
  const response = settings.violations[given.severity];
  const violation = { ...given, action: doneAbout(given.action, response) };
  const id = formatId("violation", await ctx.tx.nextNumber("violation"));
  await ctx.tx.violations.insert({ ...violation, id, taskId, atMs: ctx.nowMs });
  const { agent, rule, limit, severity, action, what } = violation;
  ctx.effects.push({ type: "violation", id, agent, rule, limit, severity, action });
  await emitEvent(ctx, "violation", { id, agent, rule, limit, severity, action, what });
  await moveTrust(ctx, settings, agent, (trust, trustSettings) =>
    afterViolation(trust, trustSettings, severity, ctx.nowMs),
  );
  const why = `${id}: ${what}`;
  if (response === "revoke" || response === "revoke_all") await revokeAgent(ctx, agent, why);
  if (response === "revoke_all") await revokeConnection(ctx, agent, why);
  if (response === "stop") await raiseProjectStop(ctx, { by: "guvnor", reason: why });
}

/** Full revocation: whoever shares its connection, or the credential it enrolled with, which goes too. */
async function revokeConnection(ctx: WriteContext, name: string, why: string): Promise<void> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined) return;
  for (const other of await ctx.tx.agents.byProcess(agent.processId)) {
    await revokeAgent(ctx, other.name, why);
  }
  const own = await tokenOf(ctx.tx, agent);
  const parent = own?.token.parent ?? null;
  const enrolment = parent === null ? undefined : await ctx.tx.tokens.get(parent);
  if (enrolment !== undefined) await revokeEnrolment(ctx, enrolment, why);
}
