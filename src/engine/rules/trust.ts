import type { ProjectSettings } from "../../core/settings.ts";
import {
  DEFAULT_TRUST,
  startTrust,
  type Trust,
  type TrustMove,
  type TrustSettings,
} from "../../core/trust.ts";
import type { WriteContext } from "../call-context.ts";
import { agentSubject, readGuards } from "./guards.ts";
import { emitEvent } from "./outbox.ts";
import { takeTasks } from "./take-tasks.ts";

/** What something that an agent did makes of its tier; nothing where the settings leave it to people. */
export async function moveTrust(
  ctx: WriteContext,
  settings: ProjectSettings,
  name: string,
  decide: (trust: Trust, settings: TrustSettings) => TrustMove,
): Promise<void> {
  const agent = await ctx.tx.agents.get(name);
  if (agent === undefined) return;
  const before = await readTrust(ctx, name, agent.tier);
  const { trust, change } = decide(before, trustSettingsOf(settings.tiers));
  if (trust !== before) await saveTrust(ctx, name, trust);
  if (change === null) return;
  await ctx.tx.agents.save({ ...agent, tier: change.to });
  ctx.effects.push({ type: "agent", id: name, event: "tier", ...change });
  await freeOutOfReach(ctx, settings, name, change.to);
  await emitEvent(ctx, "tier", { agent: name, ...change });
}

/** Who may not report any more could never end what it holds. */
export async function freeOutOfReach(
  ctx: WriteContext,
  { tiers }: ProjectSettings,
  agent: string,
  tier: Trust["tier"],
): Promise<void> {
  if (!tiers.may[tier].includes("write")) await takeTasks(ctx, agent, `it is ${tier} now`);
}

export async function readTrust(
  ctx: Pick<WriteContext, "tx">,
  name: string,
  tier: Trust["tier"],
): Promise<Trust> {
  const subject = agentSubject(name);
  const guards = await readGuards(ctx.tx, [subject]);
  return guards.state(subject, "trust", "") ?? startTrust(tier);
}

export async function saveTrust(ctx: WriteContext, name: string, trust: Trust): Promise<void> {
  await ctx.tx.guards.save({ subject: agentSubject(name), kind: "trust", name: "", state: trust });
}

/** As guvnor.yaml says it: so many violations, or so many failures among twice as many outcomes. */
function trustSettingsOf({ promote, demote }: ProjectSettings["tiers"]): TrustSettings {
  const { verified, distinctTasks } = promote ?? DEFAULT_TRUST;
  const common = {
    ...DEFAULT_TRUST,
    verified,
    distinctTasks,
    ceiling: promote === null ? "T0" : "T2",
  } as const;
  // Whom only people move down, no sum of points and no number of failures does.
  if (demote === null) return { ...common, fallPoints: Infinity, leastOutcomes: Infinity };
  const { violations, failures, withinMs } = demote;
  return {
    ...common,
    lastOutcomes: Math.min(2 * failures, 200),
    leastOutcomes: failures,
    // A serious one weighs as much as all that are allowed.
    points: { low: 1, medium: 1, high: violations, critical: violations },
    fallPoints: violations,
    pointsWithinMs: withinMs,
  };
}
