import type { Login } from "../../core/login.ts";
import { moveEnd, revokeToken } from "../../core/token.ts";
import type { NamedToken, ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import type { EngineDeps } from "../deps.ts";
import { systemAct } from "../system-act.ts";
import { revokeEnrolment } from "./revoke-agent.ts";
import { shortOf, tokenOf } from "./tokens.ts";

/**
 * One round beside the calls: what people revoked here is given back to the issuer, the issuer is
 * asked, and what became of its logins is written down. The network is asked between transactions.
 */
export async function attendIssuer(deps: EngineDeps, signal: AbortSignal): Promise<void> {
  const { issuer } = deps;
  if (issuer.logins().length === 0) return;
  if (await isRevokedHere(deps)) await issuer.giveBack();
  else await issuer.attend(signal);
  await settleLogins(deps);
}

/** The process is over: its logins are of no use to anybody. */
export async function endLogins(deps: EngineDeps): Promise<void> {
  await deps.issuer.giveBack();
  await settleLogins(deps);
}

async function isRevokedHere({ store, scope, issuer }: EngineDeps): Promise<boolean> {
  const good = issuer.logins().filter(({ state }) => state === "good");
  const rows = await store.read(scope, async (tx) => await rowsOf(tx, good));
  return rows.some(({ row }) => row.token.revokedAtMs !== null);
}

interface Enrolled {
  readonly login: Login;
  readonly row: NamedToken;
}

/** Those that an agent needed: the store knows no others. */
async function rowsOf(tx: ReadTx, logins: readonly Login[]): Promise<Enrolled[]> {
  const found: Enrolled[] = [];
  for (const login of logins) {
    const row = await tx.tokens.get(login.hash);
    if (row !== undefined) found.push({ login, row });
  }
  return found;
}

/** Writes only where something has changed. */
async function settleLogins(deps: EngineDeps): Promise<void> {
  const logins = deps.issuer.logins();
  const rows = await deps.store.read(deps.scope, async (tx) => await rowsOf(tx, logins));
  if (rows.every(isSettled)) return;
  await systemAct(deps, "tokens", async (ctx) => {
    for (const each of await rowsOf(ctx.tx, logins)) {
      if (!isSettled(each)) await settleLogin(ctx, each);
    }
  });
}

function isSettled({ login, row }: Enrolled): boolean {
  const { revokedAtMs, expiresAtMs } = row.token;
  return revokedAtMs !== null || (login.state === "good" && login.expiresAtMs === expiresAtMs);
}

async function settleLogin(ctx: WriteContext, { login, row }: Enrolled): Promise<void> {
  switch (login.state) {
    case "good": {
      const token = moveEnd(row.token, login.expiresAtMs, ctx.nowMs);
      await ctx.tx.tokens.save({ ...row, token });
      ctx.effects.push({ type: "token", id: shortOf(token), event: "renewed", name: row.name });
      return;
    }
    case "revoked":
      await revokeEnrolment(ctx, row, "its issuer revoked it");
      return;
    case "ended":
      await endLogin(ctx, row);
      return;
  }
}

/** It was not revoked: its agents get new tokens with their next calls, if something vouches then. */
async function endLogin(ctx: WriteContext, row: NamedToken): Promise<void> {
  const why = "its login is over";
  const login = revokeToken(row.token, why, ctx.nowMs);
  await ctx.tx.tokens.save({ ...row, token: login });
  ctx.effects.push({ type: "token", id: shortOf(login), event: "ended", name: row.name });
  for (const agent of await ctx.tx.agents.list()) {
    const own = await tokenOf(ctx.tx, agent);
    if (own?.token.parent !== login.hash || own.token.revokedAtMs !== null) continue;
    await ctx.tx.tokens.save({ ...own, token: revokeToken(own.token, why, ctx.nowMs) });
    await ctx.tx.agents.save({ ...agent, tokenHash: null });
  }
}
