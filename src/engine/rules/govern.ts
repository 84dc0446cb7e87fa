import type { Agent } from "../../core/agent.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { PolicyLimit } from "../../core/policy-rules.ts";
import { stopFor } from "../../core/stop.ts";
import type { Decision } from "../../policy/decide.ts";
import type { WriteContext } from "../call-context.ts";
import { hasRunning } from "../move-task.ts";
import { digestOf, readField, type Call } from "../read-call.ts";
import type { AuditDecision } from "../write-audit.ts";
import { approvalRequired, clearAction, type Cleared } from "./approvals.ts";
import {
  agentBreaker,
  giveBackProbe,
  passBreaker,
  toolBreaker,
  toolSubject,
  type Probe,
  type Wired,
} from "./breakers.ts";
import { countFor, enforceLimit } from "./exceeded.ts";
import { gaugesOf, isGaugeOf, readUse } from "./gauges.ts";
import { agentSubject, PROJECT_SUBJECT, readGuards, type Guards } from "./guards.ts";
import { admitCall, checkGauge, type Metered } from "./limits.ts";
import { readFacts, taskOf } from "./policy-facts.ts";
import type { RulesInForce } from "./rules-in-force.ts";
import { stopped, stopsOf } from "./stops.ts";
import { agentRevoked } from "./tokens.ts";
import { recordViolation } from "./violations.ts";

/** Why a call goes no further. */
export interface Refusal {
  readonly error: GuvnorError;
  readonly decision: AuditDecision;
  readonly rule: string | null;
  readonly approval: string | null;
  /** One of a flood that is only counted. */
  readonly isSilent: boolean;
}

/** What the rules say to a call. */
export interface Ruling {
  readonly refusal: Refusal | undefined;
  readonly rule: string | null;
  readonly approval: string | null;
  /** What was approved takes the place of what was sent. */
  readonly cleared: Cleared | undefined;
  /** How the call ends is of interest to the tool's breaker: something failed lately. */
  readonly isWatched: boolean;
  /** Breakers that are open and try again with this call. */
  readonly probes: readonly Probe[];
}

/** Nothing forbids it. */
export const FREE: Ruling = {
  refusal: undefined,
  rule: null,
  approval: null,
  cleared: undefined,
  isWatched: false,
  probes: [],
};

export interface Governed {
  readonly call: Call;
  readonly agent: Agent | undefined;
  readonly rules: RulesInForce;
  /** Why it would be refused in any case: bad input, or a token that does not let it. */
  readonly problem?: unknown;
  /** A waiting call looks again and again, and is counted once. */
  readonly isFirst: boolean;
  /** Of its agent, tier, tool and project: read once for all of it. */
  readonly guards: Guards;
  /** Throws what the call would be refused with if nobody had to be asked; leaves nothing behind. */
  readonly tryOut: () => Promise<void>;
}

/**
 * Stop → limits, for every call of an agent, refused and repeated ones too: what is too much is too
 * much whatever it says.
 */
export async function governAnyCall(ctx: WriteContext, governed: Governed): Promise<Ruling> {
  const { call, agent, isFirst, guards } = governed;
  const stop = stopFor(stopsOf(guards), {
    project: ctx.deps.scope.project,
    agent: agent?.name ?? null,
  });
  const isStopped = stop !== undefined && call.incoming.operation !== "get_status";
  // A stopped agent that calls all the same is counted as well: it may not fill the ledger.
  const tooMuch = isFirst ? await checkLimits(ctx, governed) : FREE;
  if (!isStopped) return tooMuch;
  const { refusal } = tooMuch;
  const isHeld = refusal === undefined && (await hold(ctx, governed));
  const isSilent = refusal?.isSilent ?? false;
  return refused({ error: stopped(stop, isHeld), decision: "deny", rule: "stop", isSilent });
}

async function checkLimits(
  ctx: WriteContext,
  { call, agent, rules, guards }: Governed,
): Promise<Ruling> {
  const { settings, policy } = rules;
  const who: Metered = { agent, processId: ctx.deps.processId };
  const limits = policy.tools.get(call.incoming.operation)?.limits ?? settings.limits;
  const exceeded = await admitCall(ctx, guards, { who, limits });
  if (exceeded === undefined) return FREE;
  const { limit, single, ended } = exceeded;
  if (ended !== null) {
    ctx.effects.push({ type: "limit", id: limit.id, event: "flood", ...ended });
  }
  const error = await enforceLimit(ctx, settings, { who, exceeded });
  return refused({ error, decision: "deny", rule: `limit:${limit.id}`, isSilent: !single });
}

/** Breaker → policy, for a call that is in order otherwise. */
export async function governCall(ctx: WriteContext, governed: Governed): Promise<Ruling> {
  const { call, agent, rules, guards } = governed;
  const tool = call.incoming.operation;
  const claims = agent !== undefined && (await wantsMore(ctx, governed, agent));
  const breakers = breakersOf(rules, tool, claims ? agent : undefined);
  const { probes, refusal } = await passAll(ctx, guards, breakers);
  const isWatched = guards.state(toolSubject(tool), "breaker", "") !== undefined;
  // It tries nothing: whoever is refused must not keep a tool closed for the others.
  const giveBack = async (): Promise<void> => {
    for (const probe of probes) await giveBackProbe(ctx, probe);
  };
  try {
    const ruling = refusal ?? (await governByPolicy(ctx, governed));
    if (ruling.refusal === undefined) return { ...ruling, isWatched, probes };
    await giveBack();
    return ruling;
  } catch (error) {
    await giveBack();
    throw error;
  }
}

async function governByPolicy(ctx: WriteContext, governed: Governed): Promise<Ruling> {
  const { call, agent, rules } = governed;
  const tool = call.incoming.operation;
  const known = rules.policy.tools.get(tool);
  if (known === undefined) return FREE;
  const tooMuch = await checkGauges(ctx, governed, known.limits);
  if (tooMuch !== undefined) return tooMuch;
  const { settings, project } = rules;
  const { nowMs } = ctx;
  const decided = { agent, tool: known, input: call.input, nowMs, project, settings };
  const decision = ctx.deps.policy.decide(rules.policy, {
    tool,
    facts: await readFacts(ctx.tx, decided),
  });
  // A waiting call is decided again and again; what is only noted is noted once.
  const warnings = governed.isFirst ? decision.warnings : [];
  if (governed.isFirst) noteShadows(ctx, decision);
  if (decision.effect === "deny") return await deny(ctx, governed, decision);
  for (const warning of warnings) {
    await violate(ctx, governed, { ...warning, action: "recorded" });
  }
  // A warning may be so severe that it costs the token, and then this call too.
  const [warning] = warnings;
  const now = warning === undefined ? undefined : await ctx.tx.agents.get(agent?.name ?? "");
  if (now?.state === "revoked") {
    return refused({
      error: agentRevoked(now.name),
      decision: "deny",
      rule: warning?.rule ?? null,
    });
  }
  // Or the tier that the call needs.
  const { class: needed } = known.tool;
  if (now !== undefined && needed !== "person" && !settings.tiers.may[now.tier].includes(needed)) {
    const error = new GuvnorError(
      "policy_denied",
      `${tool} is not allowed: this warning has made you ${now.tier}.`,
      "Ask a person with request_escalation.",
      { details: { rule: `tier:${now.tier}`, policy: rules.hash?.slice(0, 12) ?? "" } },
    );
    return refused({ error, decision: "deny", rule: `tier:${now.tier}` });
  }
  if (decision.effect === "require_approval") return await askFor(ctx, governed, decision);
  return { ...FREE, rule: decision.rule };
}

/** What the agent, or all of them, would have with this call. */
async function checkGauges(
  ctx: WriteContext,
  { call, agent, rules }: Governed,
  limits: readonly PolicyLimit[],
): Promise<Ruling | undefined> {
  const gauges = limits.filter((limit) => isGaugeOf(limit, call.incoming.operation));
  if (gauges.length === 0 || agent === undefined) return undefined;
  const { settings } = rules;
  const who: Metered = { agent, processId: ctx.deps.processId };
  const use = await readUse(ctx, agent, call);
  // Who has its own task briefed again, after a restart say, gets nothing more; it must know what to end.
  const isBriefing = call.incoming.operation === "request_task" && !use.adds;
  const held = gauges.filter(({ response }) => !isBriefing || response !== "deny");
  for (const { metric, amount, read } of gaugesOf(use)) {
    const exceeded = await checkGauge(ctx, { who, limits: held }, { metric, amount, read });
    if (exceeded === undefined) continue;
    const error = await enforceLimit(ctx, settings, { who, exceeded });
    return refused({ error, decision: "deny", rule: `limit:${exceeded.limit.id}` });
  }
  return undefined;
}

async function deny(ctx: WriteContext, governed: Governed, decision: Decision): Promise<Ruling> {
  const { rules, agent } = governed;
  await violate(ctx, governed, { ...decision, action: "denied" });
  const who: Metered = { agent, processId: ctx.deps.processId };
  const limits = rules.policy.tools.get(governed.call.incoming.operation)?.limits;
  await countFor(ctx, rules.settings, who, { metric: "denials", amount: 1, limits });
  const error = new GuvnorError(
    "policy_denied",
    `${governed.call.incoming.operation} is not allowed: ${decision.reason}`,
    fixOf(governed, decision),
    { details: { rule: decision.rule, policy: rules.hash?.slice(0, 12) ?? "" } },
  );
  return refused({ error, decision: "deny", rule: decision.rule });
}

function fixOf({ rules: { settings }, agent }: Governed, { rule }: Decision): string {
  const canAsk = agent === undefined || settings.tiers.may[agent.tier].includes("write");
  if (canAsk) return "Do something else; if it must be done, ask a person with request_escalation.";
  return rule.startsWith("tier:")
    ? `End your turn and tell your person: \`guvnor agents tier ${agent.name} --set T1\` lets you work.`
    : "Do something else, or end your turn and tell your person.";
}

async function askFor(
  ctx: WriteContext,
  { call, agent, tryOut }: Governed,
  decision: Decision,
): Promise<Ruling> {
  if (agent === undefined) {
    const error = new GuvnorError(
      "policy_denied",
      `${call.incoming.operation} needs an approval, and nobody is known who could ask for it.`,
      "Call register_agent first.",
    );
    return refused({ error, decision: "deny", rule: decision.rule });
  }
  const asked = {
    agent,
    tool: call.incoming.operation,
    input: call.input,
    facts: call.facts,
    task: await taskOf(ctx.tx, call.input),
  };
  const result = await clearAction(ctx, asked, { demands: decision.approvers, tryOut });
  if ("waitsFor" in result) {
    const approval = result.waitsFor[0]?.approval.id ?? null;
    const error = approvalRequired(result.waitsFor);
    return refused({ error, decision: "deny", rule: decision.rule, approval });
  }
  const approval = result.spent.map((each) => each.approval.id).join(" ");
  return { ...FREE, rule: decision.rule, approval, cleared: result };
}

async function violate(
  ctx: WriteContext,
  { rules, agent, call }: Governed,
  {
    rule,
    severity,
    reason,
    action,
  }: Pick<Decision, "rule" | "severity" | "reason"> & {
    readonly action: "recorded" | "denied";
  },
): Promise<void> {
  if (agent === undefined) return;
  const what = `${call.incoming.operation}: ${reason}`;
  const violation = { agent: agent.name, rule, limit: null, severity, what, action };
  await recordViolation(ctx, rules.settings, violation);
}

/** What a rule would have done that is only tried. */
function noteShadows(ctx: WriteContext, { shadow }: Decision): void {
  for (const { rule, effect } of shadow) {
    ctx.effects.push({ type: "policy", id: rule, event: "shadow", effect });
  }
}

/** Of the tool; and of the agent, which then gets no new work for a while. */
function breakersOf(
  { settings }: RulesInForce,
  tool: string,
  claimant: Agent | undefined,
): readonly Wired[] {
  return [
    toolBreaker(settings, tool),
    claimant === undefined ? undefined : agentBreaker(settings, claimant.name),
  ].filter((each) => each !== undefined);
}

/** Whether it asks for work that it has not got: its own task it is briefed on again in any case. */
async function wantsMore(
  ctx: WriteContext,
  { call, guards }: Governed,
  { name }: Agent,
): Promise<boolean> {
  if (call.incoming.operation !== "request_task") return false;
  if (guards.state(agentSubject(name), "breaker", "") === undefined) return true;
  if (readField(call.input, "task_id") !== undefined) return true;
  return !(await hasRunning(ctx, name));
}

async function passAll(
  ctx: WriteContext,
  guards: Guards,
  breakers: readonly Wired[],
): Promise<{ readonly probes: readonly Probe[]; readonly refusal?: Ruling }> {
  const probes: Probe[] = [];
  for (const breaker of breakers) {
    const { subject } = breaker;
    const { probe, error } = await passBreaker(ctx, guards, breaker);
    if (error !== undefined) {
      const rule = `breaker:${subject}`;
      return { probes, refusal: refused({ error, decision: "deny", rule }) };
    }
    if (probe !== undefined) probes.push({ subject, probe });
  }
  return { probes };
}

export async function guardsOf(
  ctx: WriteContext,
  call: Call,
  agent: Agent | undefined,
): Promise<Guards> {
  const who = agent === undefined ? `process:${ctx.deps.processId}` : agentSubject(agent.name);
  const tier = `tier:${agent?.tier ?? ""}`;
  return await readGuards(ctx.tx, [
    who,
    tier,
    toolSubject(call.incoming.operation.slice(0, 64)),
    PROJECT_SUBJECT,
  ]);
}

/** A call that is in order, of an agent that is known. */
async function hold(ctx: WriteContext, { call, agent, problem }: Governed): Promise<boolean> {
  const { operation, callId, facts, input } = call;
  if (agent === undefined || problem !== undefined) return false;
  const id = readField(input, "request_id");
  const request = typeof id === "string" ? { id, digest: digestOf(ctx.deps, call) } : null;
  return (await operation?.hold?.({ ...ctx, agent, callId, request, facts }, input)) ?? false;
}

function refused(refusal: Pick<Refusal, "error" | "decision" | "rule"> & Partial<Refusal>): Ruling {
  return { ...FREE, refusal: { approval: null, isSilent: false, ...refusal } };
}
