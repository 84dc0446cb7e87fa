import { GuvnorError } from "../core/errors.ts";
import { slugName } from "../core/ids.ts";
import {
  isOver,
  type Login,
  nextStep,
  refuseLogin,
  renewLogin,
  retryAfterMs,
  startLogin,
} from "../core/login.ts";
import type { Logger } from "../engine/deps.ts";
import type { TokenIssuer, Voucher } from "../engine/ports.ts";
import { readSecret } from "./read-secret.ts";
import type { VaultClient, VaultLogin } from "./vault-client.ts";
import { isRefusal, refused, refusedStatus, unavailable } from "./vault-errors.ts";
import type { SecretId } from "./vault-settings.ts";

interface VaultIssuerDeps {
  readonly client: VaultClient;
  readonly secretId: SecretId;
  readonly now: () => number;
  readonly sha256: (text: string) => string;
  readonly log: Pick<Logger, "warn">;
}

/** A login with the token that only this process has. */
interface Held {
  readonly token: string;
  readonly login: Login;
}

/** What was last refused, and when it may be tried again. */
interface Refusal {
  readonly secretHash: string;
  readonly count: number;
  readonly retryAtMs: number;
}

interface State {
  held: Held | undefined;
  /** Those whose place was taken; the store may not know yet. */
  past: readonly Login[];
  /** Why there is nothing that vouches, where that is known. */
  problem: GuvnorError | undefined;
  refusal: Refusal | undefined;
  /** Revoked or given back: whoever did so would not want another login. */
  isClosed: boolean;
  loggingIn: Promise<void> | undefined;
}

const KEPT_LOGINS = 4;
const NEVER = new AbortController().signal;

/** Vault vouches for the agents of this process, as long as the lease of its AppRole login says. */
export function createVaultIssuer(deps: VaultIssuerDeps): TokenIssuer {
  const state: State = {
    held: undefined,
    past: [],
    problem: undefined,
    refusal: undefined,
    isClosed: false,
    loggingIn: undefined,
  };
  return {
    vouch: () => vouch(state, deps.now()),
    prepare: async () => {
      const { held, isClosed } = state;
      if (isClosed || (held !== undefined && !isOver(held.login, deps.now()))) return;
      await logInOnce(deps, state, NEVER);
    },
    logins: () => (state.held === undefined ? state.past : [...state.past, state.held.login]),
    attend: async (signal) => await attend(deps, state, signal),
    giveBack: async () => await giveBack(deps, state),
  };
}

function vouch({ held, problem }: State, nowMs: number): Voucher {
  if (held !== undefined && !isOver(held.login, nowMs)) return { kind: "login", login: held.login };
  return { kind: "none", why: problem ?? unavailable("its last lease is over") };
}

/** Calls that come at once wait for one login. */
async function logInOnce(deps: VaultIssuerDeps, state: State, signal: AbortSignal): Promise<void> {
  state.loggingIn ??= logIn(deps, state, signal).finally(() => {
    state.loggingIn = undefined;
  });
  await state.loggingIn;
}

async function logIn(deps: VaultIssuerDeps, state: State, signal: AbortSignal): Promise<void> {
  const askedAtMs = deps.now();
  let secretHash = "";
  try {
    const secret = readSecret(deps.secretId);
    secretHash = deps.sha256(secret);
    const { refusal } = state;
    // Vault locks out who keeps trying; a new secret may be tried at once.
    if (refusal?.secretHash === secretHash && askedAtMs < refusal.retryAtMs) return;
    const found = await deps.client.logIn(secret, signal);
    await requireLookUp(deps, found.token, signal);
    state.refusal = undefined;
    state.problem = undefined;
    await hold(deps, state, { token: found.token, login: loginOf(deps, found, askedAtMs) });
  } catch (error) {
    const problem = error instanceof GuvnorError ? error : unavailable("the login failed", error);
    // Each call tries: what has been said once need not be said again.
    if (problem.message !== state.problem?.message) {
      deps.log.warn({ err: error }, "Vault did not let this process in");
    }
    state.problem = problem;
    if (!isRefusal(error)) return;
    const count = (state.refusal?.count ?? 0) + 1;
    state.refusal = { secretHash, count, retryAtMs: askedAtMs + retryAfterMs(count) };
  }
}

/**
 * To be refused later means that the token was revoked; so it has to be allowed now. Where Vault does
 * not answer just then, the login counts all the same.
 */
async function requireLookUp(
  { client, log }: VaultIssuerDeps,
  token: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.lookUp(token, signal);
  } catch (error) {
    if (!isRefusal(error)) return;
    await drop({ client, log }, token);
    throw error;
  }
}

function loginOf(
  { sha256 }: VaultIssuerDeps,
  { token, lease, role = "approle", principal, policies }: VaultLogin,
  askedAtMs: number,
): Login {
  const hash = sha256(token);
  const given = {
    hash,
    name: `vault-${slugName(role).slice(0, 40)}-${hash.slice(0, 8)}`,
    principal: [principal, role].find(isPlainName) ?? slugName(role),
    policies: policies.slice(0, 20),
  };
  return startLogin(given, lease, askedAtMs);
}

/** As people are called; no colon, which marks who was verified how in the ledger. */
function isPlainName(name: string | undefined): name is string {
  return name !== undefined && /^[A-Za-z0-9][\w.@-]{0,63}$/.test(name);
}

/** The new login takes the place of the old one, which is of no use to anybody then. */
async function hold(deps: VaultIssuerDeps, state: State, held: Held): Promise<void> {
  if (state.isClosed) {
    await drop(deps, held.token);
    return;
  }
  const before = state.held;
  state.held = held;
  if (before === undefined) return;
  state.past = [...state.past, { ...before.login, state: "ended" as const }].slice(-KEPT_LOGINS);
  if (!isOver(before.login, deps.now())) await drop(deps, before.token);
}

/** Where it does not work the lease ends by itself. */
async function drop(
  { client, log }: Pick<VaultIssuerDeps, "client" | "log">,
  token: string,
): Promise<void> {
  try {
    await client.revoke(token, NEVER);
  } catch (error) {
    log.warn({ err: error }, "a token could not be revoked in Vault; it ends with its lease");
  }
}

async function attend(deps: VaultIssuerDeps, state: State, signal: AbortSignal): Promise<void> {
  const { held } = state;
  if (held === undefined || state.isClosed) return;
  const step = nextStep(held.login, deps.now());
  if (step === "log_in") await logInOnce(deps, state, signal);
  if (step === "renew" && (await renew(deps, state, { held, signal }))) return;
  // What is refused as a whole does not stop the question whether this login stands.
  if (state.held !== undefined && !isOver(state.held.login, deps.now())) {
    await lookAt(deps, state, { held: state.held, signal });
  }
}

interface Asked {
  readonly held: Held;
  readonly signal: AbortSignal;
}

/** @returns Whether Vault gave a lease, which also says that the token stands. */
async function renew(
  { client, now, log }: VaultIssuerDeps,
  state: State,
  { held, signal }: Asked,
): Promise<boolean> {
  const askedAtMs = now();
  const { token, login } = held;
  try {
    const lease = await client.renew(token, signal);
    if (state.held === held) state.held = { token, login: renewLogin(login, lease, askedAtMs) };
    return true;
  } catch (error) {
    log.warn({ err: error }, "Vault did not renew the token");
    // Its time is near its end for good, or the role's policies do not allow it: log in anew in time.
    if (isRefusal(error) && state.held === held) {
      state.held = { token, login: { ...login, isRenewable: false } };
    }
    return false;
  }
}

/** Vault refuses a token that was revoked with 403, and so one whose time is over. */
async function lookAt(
  { client, now, log }: VaultIssuerDeps,
  state: State,
  { held, signal }: Asked,
): Promise<void> {
  try {
    await client.lookUp(held.token, signal);
  } catch (error) {
    if (refusedStatus(error) !== 403 || state.held !== held) return;
    const login = refuseLogin(held.login, now());
    state.held = { ...held, login };
    if (login.state !== "revoked") return;
    log.warn({ login: login.name }, "Vault has revoked the token of this process");
    close(state, "Vault has revoked what vouched for the agents of this process.");
  }
}

function close(state: State, what: string): void {
  state.isClosed = true;
  const fix = "Tell the person who runs you: when it may go on, start this process again.";
  state.problem = refused(what, fix);
}

async function giveBack(deps: VaultIssuerDeps, state: State): Promise<void> {
  if (!state.isClosed) {
    close(state, "What vouched for the agents of this process was given back to Vault.");
    await state.loggingIn;
    const { held } = state;
    if (held !== undefined) {
      state.held = { ...held, login: { ...held.login, state: "ended" } };
      if (!isOver(held.login, deps.now())) await drop(deps, held.token);
    }
  }
  deps.client.close();
}
