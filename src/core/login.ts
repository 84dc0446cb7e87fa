/** A login that can be renewed is, this long after it last was, or at half of its lease. */
const RENEW_MS = 1_800_000;
/** After a refused login the next one waits so long, then twice as long, … */
const FIRST_RETRY_MS = 30_000;
/** … up to this. */
const LONGEST_RETRY_MS = 900_000;

/**
 * What an issuer outside said of a process: it vouches for its agents until the lease ends. In the
 * store it is an enrolment, the parent of their access tokens.
 */
export interface Login {
  /** SHA-256 of the issuer's token, which only the process that logged in has. */
  readonly hash: string;
  /** As people name it. */
  readonly name: string;
  /** Who answers for the agents, as the issuer says. */
  readonly principal: string;
  /** What the issuer lets it do there; told in the ledger, decides nothing here. */
  readonly policies: readonly string[];
  /** When it was last asked for a lease and gave one. */
  readonly renewedAtMs: number;
  readonly expiresAtMs: number;
  /** False too where a renewal does not move its end any more. */
  readonly isRenewable: boolean;
  /** `ended`: its time was over, or a later login took its place. */
  readonly state: "good" | "revoked" | "ended";
}

/** A lease as the issuer gives it. */
export interface Lease {
  readonly ms: number;
  readonly isRenewable: boolean;
}

/** @param askedAtMs - Before it was asked: the lease began later, so it is over here first. */
export function startLogin(
  given: Pick<Login, "hash" | "name" | "principal" | "policies">,
  lease: Lease,
  askedAtMs: number,
): Login {
  return {
    ...given,
    renewedAtMs: askedAtMs,
    expiresAtMs: askedAtMs + lease.ms,
    isRenewable: lease.isRenewable,
    state: "good",
  };
}

/**
 * The issuer's last word counts, even where the end comes nearer. A renewal that gains less than half
 * of the time since the one before shows that the end is fixed (Vault's max_ttl): another login is
 * needed in time.
 */
export function renewLogin(login: Login, lease: Lease, askedAtMs: number): Login {
  const expiresAtMs = askedAtMs + lease.ms;
  const gainedMs = expiresAtMs - login.expiresAtMs;
  const sinceMs = askedAtMs - login.renewedAtMs;
  const isRenewable = lease.isRenewable && gainedMs * 2 >= sinceMs;
  return { ...login, renewedAtMs: askedAtMs, expiresAtMs, isRenewable };
}

/** Nothing vouches by it any more, whatever the issuer would say. */
export function isOver(login: Login, nowMs: number): boolean {
  return login.state !== "good" || nowMs >= login.expiresAtMs;
}

/**
 * What a process does next about its login: half of the lease is left for doing it again where the
 * issuer cannot be reached. `look`: only ask whether it still stands.
 */
export function nextStep(login: Login, nowMs: number): "look" | "renew" | "log_in" {
  if (isOver(login, nowMs)) return "log_in";
  const halfMs = (login.expiresAtMs - login.renewedAtMs) / 2;
  if (login.isRenewable) {
    return nowMs - login.renewedAtMs >= Math.min(halfMs, RENEW_MS) ? "renew" : "look";
  }
  return nowMs - login.renewedAtMs >= halfMs ? "log_in" : "look";
}

/**
 * The issuer does not know the token any more: its time was over, or somebody revoked it.
 *
 * @param answeredAtMs - A lease with a second left may have been over there, where seconds are whole.
 */
export function refuseLogin(login: Login, answeredAtMs: number): Login {
  if (login.state !== "good") return login;
  const isAtItsEnd = answeredAtMs >= login.expiresAtMs - 1000;
  return { ...login, state: isAtItsEnd ? "ended" : "revoked" };
}

/** How long a process waits after so many refused logins in a row; issuers lock out who keeps trying. */
export function retryAfterMs(refusals: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (refusals - 1));
}
