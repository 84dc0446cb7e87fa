import type { Agent } from "../../core/agent.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { Login } from "../../core/login.ts";
import {
  enrol,
  lowestTier,
  mintProblem,
  mintToken,
  renewToken,
  revokeToken,
  TOKEN_TTL_MS,
  tokenProblem,
  type Token,
  type TokenProblem,
} from "../../core/token.ts";
import type { NamedToken, ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import type { Voucher } from "../ports.ts";
import { rulesInForce } from "./rules-in-force.ts";

const LONGEST_LINEAGE = 8;

/**
 * The agent's token, good for this tool now; renewed where that is due. An agent of this process
 * that has none, or whose own is over, gets one from what the issuer says vouches for it.
 * @param tool - Null to register: whoever may call anything may say who calls.
 * @returns The agent, at the highest tier that its token gives.
 * @throws {GuvnorError} `token_invalid`, `agent_revoked`, `issuer_unavailable`.
 */
export async function useToken(
  ctx: WriteContext,
  agent: Agent,
  tool: string | null,
): Promise<Agent> {
  if (agent.state === "revoked") throw agentRevoked(agent.name);
  const found = await tokenOf(ctx.tx, agent);
  if (found === undefined) return await giveToken(ctx, agent, tool);
  const ancestors = await ancestorsOf(ctx.tx, found.token);
  const problem = useProblem(ctx, found.token, { ancestors, tool });
  // It came to its end in quiet; one that was revoked never comes back.
  if (problem === "expired") return await giveToken(ctx, agent, tool);
  if (problem === "enrolment_expired" && canLogInAgain(ctx.deps.issuer.vouch())) {
    return await giveToken(ctx, agent, tool);
  }
  if (problem !== undefined) throw refusalOf(problem, tool);
  const token = renewToken(found.token, ctx.nowMs);
  if (token !== found.token) {
    await ctx.tx.tokens.save({ ...found, token });
    ctx.effects.push({ type: "token", id: shortOf(token), event: "renewed", agent: agent.name });
  }
  return atTierOf(agent, ancestors);
}

/** What the agent calls with; undefined before its first one. */
export async function tokenOf(
  tx: ReadTx,
  { tokenHash }: Pick<Agent, "tokenHash">,
): Promise<NamedToken | undefined> {
  return tokenHash === null ? undefined : await tx.tokens.get(tokenHash);
}

/** A person's enrolment that is over is over; of an issuer elsewhere there may be a later login. */
function canLogInAgain({ kind }: Voucher): boolean {
  return kind === "login" || kind === "none";
}

function useProblem(
  ctx: WriteContext,
  token: Token,
  { ancestors, tool }: { ancestors: readonly Token[]; tool: string | null },
): TokenProblem | undefined {
  const { project } = ctx.deps.scope;
  const problem = tokenProblem(token, ancestors, ctx.nowMs, { tool: tool ?? "", project });
  // It is looked at last: nothing else is wrong.
  return tool === null && problem === "tool_not_allowed" ? undefined : problem;
}

/** People and outcomes move the agent's own tier; an enrolment is a ceiling over it. */
function atTierOf(agent: Agent, ancestors: readonly Token[]): Agent {
  const tier = lowestTier([agent.tier, ...ancestors.map(({ scope }) => scope.tier)]);
  return tier === agent.tier ? agent : { ...agent, tier };
}

/** A token for an agent that this process serves. */
async function giveToken(ctx: WriteContext, agent: Agent, tool: string | null): Promise<Agent> {
  const parent = await credential(ctx, agent.name);
  const ancestors = parent === undefined ? [] : [parent.token];
  const given = {
    hash: ctx.deps.sha256(ctx.deps.newSecret()),
    agent: agent.name,
    // Its own tier may rise while the token lives: only the credential's is a bound.
    scope: { tools: ["*"], project: ctx.deps.scope.project, tier: "T2" as const },
  };
  const token: Token =
    parent === undefined ? implicit(given, ctx.nowMs) : mintToken(parent.token, given, ctx.nowMs);
  const problem = useProblem(ctx, token, { ancestors, tool });
  if (problem !== undefined) throw refusalOf(problem, tool);
  const principal = parent?.principal ?? agent.principal;
  const found: NamedToken = { token, name: null, principal };
  await ctx.tx.tokens.save(found);
  ctx.effects.push({ type: "token", id: shortOf(token), event: "issued", agent: agent.name });
  const saved = { ...agent, tokenHash: token.hash, principal };
  await ctx.tx.agents.save(saved);
  return atTierOf(saved, ancestors);
}

/** The process itself vouches: in local mode it runs as the person does. */
function implicit(given: Pick<Token, "hash" | "agent" | "scope">, nowMs: number): Token {
  return {
    ...given,
    kind: "access",
    parent: null,
    issuedAtMs: nowMs,
    renewedAtMs: nowMs,
    expiresAtMs: nowMs + TOKEN_TTL_MS,
    revokedAtMs: null,
    revokedWhy: null,
  };
}

/**
 * The enrolment that vouches for this agent; undefined where the process itself does.
 * @throws {GuvnorError} `token_invalid`, `issuer_unavailable`.
 */
async function credential(ctx: WriteContext, agent: string): Promise<NamedToken | undefined> {
  const voucher = ctx.deps.issuer.vouch();
  if (voucher.kind === "process") {
    const { settings } = await rulesInForce(ctx);
    if (settings.enrolment === "required") throw invalid("enrolment_required");
    return undefined;
  }
  if (voucher.kind === "none") throw voucher.why;
  const found = await enrolmentOf(ctx, voucher);
  if (found === undefined || found.token.kind !== "enrolment") throw invalid("unknown");
  const { project } = ctx.deps.scope;
  const problem = mintProblem(found.token, [], ctx.nowMs, { agent, project });
  if (problem === undefined) return found;
  throw invalid(problem === "expired" ? "enrolment_expired" : problem);
}

async function enrolmentOf(
  ctx: WriteContext,
  voucher: Extract<Voucher, { kind: "enrolment" | "login" }>,
): Promise<NamedToken | undefined> {
  if (voucher.kind === "enrolment") return await ctx.tx.tokens.get(voucher.hash);
  const { login } = voucher;
  return (await ctx.tx.tokens.get(login.hash)) ?? (await enrolLogin(ctx, login));
}

/** Written with the first agent that needs it, so a process that serves nobody leaves nothing. */
async function enrolLogin(ctx: WriteContext, login: Login): Promise<NamedToken> {
  const { hash, name, principal, policies, expiresAtMs } = login;
  const scope = { tools: ["*"], project: ctx.deps.scope.project, tier: "T2" as const };
  const token = enrol({ hash, agent: null, scope, expiresAtMs }, ctx.nowMs);
  const named: NamedToken = { token, name, principal };
  await ctx.tx.tokens.save(named);
  ctx.effects.push({ type: "token", id: shortOf(token), event: "enrolled", name, policies });
  return named;
}

async function ancestorsOf(tx: ReadTx, token: Token): Promise<Token[]> {
  const lineage: Token[] = [];
  let { parent } = token;
  while (parent !== null && lineage.length < LONGEST_LINEAGE) {
    const found = await tx.tokens.get(parent);
    if (found === undefined) break;
    lineage.push(found.token);
    ({ parent } = found.token);
  }
  return lineage;
}

/** The agent's work here is over: nobody can use what it had. */
export async function endTokens(ctx: WriteContext, agent: string, why: string): Promise<void> {
  for (const named of await ctx.tx.tokens.ofAgent(agent)) {
    const token = revokeToken(named.token, why, ctx.nowMs);
    if (token !== named.token) await ctx.tx.tokens.save({ ...named, token });
  }
}

/** As the ledger and people see it. */
export function shortOf({ hash }: Token): string {
  return hash.slice(0, 12);
}

export function agentRevoked(name: string): GuvnorError {
  return new GuvnorError(
    "agent_revoked",
    `${name} was revoked: it may not call guvnor any more.`,
    "End your turn and tell your person; `guvnor agents restore` lets you in again.",
  );
}

function refusalOf(problem: TokenProblem, tool: string | null): GuvnorError {
  return problem === "tool_not_allowed" ? outOfBounds(tool ?? "this tool") : invalid(problem);
}

/** Nothing is wrong with the token: whoever enrolled it left the tool out. */
function outOfBounds(tool: string): GuvnorError {
  return new GuvnorError(
    "token_invalid",
    `Your token does not let you call ${tool}: the person who made it bound it to other tools.`,
    "Do something else; a new start changes nothing. If it must be done, tell the person who runs you.",
    { details: { problem: "tool_not_allowed" } },
  );
}

function invalid(problem: string): GuvnorError {
  return new GuvnorError(
    "token_invalid",
    `The token cannot be used: ${problem.replaceAll("_", " ")}.`,
    "Tell the person who runs you: they make a new one (guvnor tokens enrol, GUVNOR_TOKEN; or Vault logs in) and start this process again.",
    { details: { problem } },
  );
}
