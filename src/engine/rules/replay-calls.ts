import { z } from "zod";

import { fromIso } from "../../core/iso-time.ts";
import type { Effect } from "../../core/policy-rules.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import type { CompiledPolicy } from "../../policy/compile-policy.ts";
import { decide, type Decision } from "../../policy/decide.ts";
import type { CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { readFacts } from "./policy-facts.ts";
import { rulesInForce } from "./rules-in-force.ts";

/** Changed calls that are listed; all are counted. */
const SHOWN = 50;
const PAGE = 500;

const entryBody = z.object({
  at: z.string(),
  actor: z.string(),
  action: z.string(),
  decision: z.string(),
  reason: z.string().nullable(),
});

interface Candidate {
  readonly settings: ProjectSettings;
  readonly policy: CompiledPolicy;
}

interface Changed {
  readonly seq: number;
  readonly at: string;
  readonly agent: string;
  readonly tool: string;
  readonly was: Effect;
  readonly by_rule: string;
  readonly would_be: Effect;
  readonly rule: string;
}

/**
 * The last recorded calls of agents under other rules: what the rules in force say to each, and what
 * the candidate would. Arguments and times are those of the calls; agents, tasks and topics are seen
 * as they are now, as nothing else of them is kept. `counts` is not known and stands at 0.
 */
export async function replayCalls(
  ctx: CallContext,
  candidate: Candidate,
  limit: number,
): Promise<JsonObject> {
  const inForce = await rulesInForce(ctx);
  const changed: Changed[] = [];
  const byRule = new Map<string, number>();
  let replayed = 0;
  for await (const call of lastCalls(ctx, limit)) {
    const was = await judge(ctx, inForce, call);
    const wouldBe = await judge(ctx, candidate, call);
    if (was === undefined || wouldBe === undefined) continue;
    replayed += 1;
    if (was.effect === wouldBe.effect && was.rule === wouldBe.rule) continue;
    byRule.set(wouldBe.rule, (byRule.get(wouldBe.rule) ?? 0) + 1);
    changed.push({
      seq: call.seq,
      at: call.at,
      agent: call.actor,
      tool: call.action,
      was: was.effect,
      by_rule: was.rule,
      would_be: wouldBe.effect,
      rule: wouldBe.rule,
    });
  }
  return {
    replayed,
    changed: changed.length,
    by_rule: Object.fromEntries([...byRule].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    calls: changed.slice(0, SHOWN),
  };
}

interface RecordedCall {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly input: unknown;
}

/** Newest first; calls that were refused for their form, or whose payload is gone, have nothing to judge. */
async function* lastCalls(
  { tx }: CallContext,
  limit: number,
): AsyncGenerator<RecordedCall, void, void> {
  let seq = (await tx.audit.head())?.seq ?? 0;
  let found = 0;
  while (seq > 0 && found < limit) {
    const from = Math.max(1, seq - PAGE + 1);
    for (const row of (await tx.audit.list(from, seq - from + 1)).toReversed()) {
      const body = entryBody.parse(JSON.parse(row.body));
      const payload = isAgent(body.actor) ? await tx.audit.payload(row.seq) : undefined;
      if (payload === undefined || found >= limit) continue;
      found += 1;
      yield { ...body, seq: row.seq, input: JSON.parse(payload.payload) };
    }
    seq = from - 1;
  }
}

/** People's names have a colon, and what guvnor does itself has no rules. */
function isAgent(actor: string): boolean {
  return !actor.includes(":") && actor !== "guvnor" && actor !== "unknown";
}

async function judge(
  { tx }: CallContext,
  { settings, policy }: Candidate,
  { action, actor, at, input }: RecordedCall,
): Promise<Decision | undefined> {
  const tool = policy.tools.get(action);
  if (tool === undefined) return undefined;
  const agent = await tx.agents.get(actor);
  const project = await tx.projects.get();
  const nowMs = fromIso(at);
  const facts = await readFacts(tx, { agent, tool, input, nowMs, project, settings });
  return decide(policy, { tool: action, facts: { ...facts, counts: {} } });
}
