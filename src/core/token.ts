import { TIERS, type Tier } from "./agent.ts";
import { matchAny, parseGlob } from "./path-glob.ts";

/** A token lives this long after it was issued or last renewed. */
export const TOKEN_TTL_MS = 7_200_000;
/**
 * A use this long after the last renewal renews it.
 * @internal Exported for its tests.
 */
export const TOKEN_RENEW_MS = 1_800_000;

/** What a token may be used for; the scopes of all it comes from hold too. */
export type TokenScope = {
  /** Globs over the names of tools, as parseGlob reads them: `*`, `request_*`. */
  readonly tools: readonly string[];
  /** Null for any project. */
  readonly project: string | null;
  /** The highest tier it gives. */
  readonly tier: Tier;
};

/**
 * An enrolment credential is long-lived and good for one thing, minting access tokens; those call
 * tools. A type, so that it is plain JSON to the compiler.
 */
export type Token = {
  /** SHA-256 of 256 random bits; the secret itself is nowhere. */
  readonly hash: string;
  readonly kind: "enrolment" | "access";
  /** Hash of the one it was minted from. */
  readonly parent: string | null;
  /** Null where it may be used for any agent. */
  readonly agent: string | null;
  readonly scope: TokenScope;
  readonly issuedAtMs: number;
  /** Null for an enrolment credential without an end. */
  readonly expiresAtMs: number | null;
  readonly renewedAtMs: number;
  readonly revokedAtMs: number | null;
  readonly revokedWhy: string | null;
};

export type TokenProblem =
  | "revoked"
  | "expired"
  /** One it comes from was revoked. */
  | "parent_revoked"
  /** The enrolment it comes from is over. */
  | "enrolment_expired"
  /** The ones it comes from were not all given: nothing is known of it, so it is refused. */
  | "parent_unknown"
  /** It only mints, or it does not mint. */
  | "wrong_kind"
  | "wrong_project"
  | "wrong_agent"
  | "tool_not_allowed";

/** @throws {GuvnorError} `input_invalid` for a glob that cannot be read. */
export function enrol(
  given: Pick<Token, "hash" | "agent" | "scope" | "expiresAtMs">,
  nowMs: number,
): Token {
  return issue({ ...given, kind: "enrolment", parent: null }, nowMs);
}

/**
 * A token for one agent. Its scope is never wider than its parent's: the tier is lowered and the
 * project taken over here, and of tools each one up to the root must allow what is called.
 *
 * @param parent - As mintProblem found it good.
 * @throws {GuvnorError} `input_invalid` for a glob that cannot be read.
 */
export function mintToken(
  parent: Token,
  given: Pick<Token, "hash" | "agent" | "scope">,
  nowMs: number,
): Token {
  const scope: TokenScope = {
    tools: given.scope.tools,
    project: parent.scope.project ?? given.scope.project,
    tier: lowestTier([parent.scope.tier, given.scope.tier]),
  };
  const expiresAtMs = nowMs + TOKEN_TTL_MS;
  return issue({ ...given, scope, expiresAtMs, kind: "access", parent: parent.hash }, nowMs);
}

function issue(
  given: Pick<Token, "hash" | "kind" | "parent" | "agent" | "scope" | "expiresAtMs">,
  nowMs: number,
): Token {
  for (const glob of given.scope.tools) parseGlob(glob);
  return { ...given, issuedAtMs: nowMs, renewedAtMs: nowMs, revokedAtMs: null, revokedWhy: null };
}

/**
 * Why nothing may be minted from it for this agent; undefined when it may. One without an agent
 * mints for anybody, any other one for its own agent only.
 *
 * @param ancestors - As for tokenProblem.
 */
export function mintProblem(
  token: Token,
  ancestors: readonly Token[],
  nowMs: number,
  { agent, project }: { readonly agent: string | null; readonly project: string | null },
): TokenProblem | undefined {
  const problem = lifeProblem(token, ancestors, nowMs);
  if (problem !== undefined) return problem;
  const lineage = [token, ...ancestors];
  if (lineage.some((each) => each.agent !== null && each.agent !== agent)) return "wrong_agent";
  return lineage.some(({ scope }) => isOutside(scope, project)) ? "wrong_project" : undefined;
}

/**
 * Why a token may not be used for this call now; undefined when it may. Looking at all it comes from
 * makes revoking one act on its descendants with the next call, everywhere, and on no sibling.
 *
 * @param ancestors - All it was minted from, its parent first, the root last. An access token among
 *   them may be over; whoever holds it may just be waiting for this one.
 */
export function tokenProblem(
  token: Token,
  ancestors: readonly Token[],
  nowMs: number,
  { tool, project }: { readonly tool: string; readonly project: string },
): TokenProblem | undefined {
  const problem = lifeProblem(token, ancestors, nowMs);
  if (problem !== undefined) return problem;
  if (token.kind !== "access") return "wrong_kind";
  const scopes = [token, ...ancestors].map(({ scope }) => scope);
  if (scopes.some((scope) => isOutside(scope, project))) return "wrong_project";
  const isAllowed = scopes.every(({ tools }) => tools.includes("*") || matchAny(tools, tool));
  return isAllowed ? undefined : "tool_not_allowed";
}

function lifeProblem(
  token: Token,
  ancestors: readonly Token[],
  nowMs: number,
): TokenProblem | undefined {
  if (token.revokedAtMs !== null) return "revoked";
  const lineage = [token, ...ancestors];
  if (lineage.some(({ parent }, index) => parent !== (lineage[index + 1]?.hash ?? null))) {
    return "parent_unknown";
  }
  if (ancestors.some(({ revokedAtMs }) => revokedAtMs !== null)) return "parent_revoked";
  if (isExpired(token, nowMs)) return "expired";
  const isOver = ancestors.some((each) => each.kind === "enrolment" && isExpired(each, nowMs));
  return isOver ? "enrolment_expired" : undefined;
}

function isExpired({ expiresAtMs }: Token, nowMs: number): boolean {
  return expiresAtMs !== null && nowMs >= expiresAtMs;
}

function isOutside(scope: TokenScope, project: string | null): boolean {
  return scope.project !== null && scope.project !== project;
}

/** The one that gives least. */
export function lowestTier(tiers: readonly Tier[]): Tier {
  return TIERS.find((tier) => tiers.includes(tier)) ?? "T0";
}

/**
 * A use of a token that tokenProblem found good: where its last renewal is 30 minutes past, it lives
 * 2 hours from now. Else the same object, and so for one that is revoked or over: it never comes
 * back. Two uses at once do the same; a use that comes late never shortens anything.
 */
export function renewToken(token: Token, nowMs: number): Token {
  const { kind, revokedAtMs, renewedAtMs } = token;
  if (kind !== "access" || revokedAtMs !== null || isExpired(token, nowMs)) return token;
  if (nowMs - renewedAtMs < TOKEN_RENEW_MS) return token;
  return { ...token, renewedAtMs: nowMs, expiresAtMs: nowMs + TOKEN_TTL_MS };
}

/** An enrolment that stands for a login elsewhere ends when that does; what is revoked stays so. */
export function moveEnd(token: Token, expiresAtMs: number, nowMs: number): Token {
  if (token.revokedAtMs !== null || token.expiresAtMs === expiresAtMs) return token;
  return { ...token, renewedAtMs: nowMs, expiresAtMs };
}

/** For ever; whoever revoked it first, and why, stands. */
export function revokeToken(token: Token, why: string, nowMs: number): Token {
  if (token.revokedAtMs !== null) return token;
  return { ...token, revokedAtMs: nowMs, revokedWhy: why };
}
