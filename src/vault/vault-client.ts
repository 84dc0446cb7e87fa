import CircuitBreaker from "opossum";
import { z } from "zod";

import type { Lease } from "../core/login.ts";
import { sendRequest, type VaultReply, type VaultRequest } from "./send-request.ts";
import { isRefusal, refused, unavailable } from "./vault-errors.ts";
import type { VaultSettings } from "./vault-settings.ts";

/** How long a renewal asks for; Vault gives what the role allows. */
const INCREMENT = "2h";

/** A dead Vault is asked so often, then left alone for a while, then asked once. */
const BREAKER = {
  volumeThreshold: 3,
  errorThresholdPercentage: 50,
  rollingCountTimeout: 60_000,
  resetTimeout: 15_000,
} as const;

/** A login as Vault answers it. */
export interface VaultLogin {
  readonly token: string;
  readonly lease: Lease;
  readonly role: string | undefined;
  /** Whom the secret ID was made for, where its metadata say so. */
  readonly principal: string | undefined;
  readonly policies: readonly string[];
}

/** The five requests that are made of Vault. Each throws `issuer_unavailable`, or `token_invalid` where Vault refuses. */
export interface VaultClient {
  logIn(secretId: string, signal: AbortSignal): Promise<VaultLogin>;
  /** Whether the token is still good. */
  lookUp(token: string, signal: AbortSignal): Promise<void>;
  renew(token: string, signal: AbortSignal): Promise<Lease>;
  revoke(token: string, signal: AbortSignal): Promise<void>;
  /** What the server says of itself, past the breaker. */
  health(signal: AbortSignal): Promise<{ readonly status: number }>;
  close(): void;
}

const leaseShape = { lease_duration: z.int().positive(), renewable: z.boolean() };
const grantShape = z.object({ auth: z.object(leaseShape) });
const loginShape = z.object({
  auth: z.object({
    ...leaseShape,
    client_token: z.string().min(1).max(4096),
    token_policies: z.array(z.string()).nullish(),
    policies: z.array(z.string()).nullish(),
    metadata: z.record(z.string(), z.string()).nullish(),
    num_uses: z.int().optional(),
  }),
});

export function createVaultClient(
  settings: VaultSettings,
  options: Partial<Record<keyof typeof BREAKER, number>> = {},
): VaultClient {
  const breaker = new CircuitBreaker(
    async (request: VaultRequest, signal: AbortSignal) =>
      judge(request, await sendRequest(settings, request, signal)),
    {
      ...BREAKER,
      ...options,
      // The request bounds itself, and is ended then; opossum would only stop listening.
      timeout: false,
      // A refusal is an answer.
      errorFilter: isRefusal,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    },
  );
  const ask = async (request: VaultRequest, signal: AbortSignal): Promise<unknown> => {
    try {
      return await breaker.fire(request, signal);
    } catch (error) {
      if (!(error instanceof Error && CircuitBreaker.isOurError(error))) throw error;
      throw unavailable("it did not answer several times and is left alone for a while", error);
    }
  };
  return {
    logIn: async (secretId, signal) => {
      const path = `auth/${settings.path}/login`;
      const body = { role_id: settings.roleId, secret_id: secretId };
      const { auth } = read(loginShape, await ask({ method: "POST", path, body }, signal));
      if (auth.num_uses !== undefined && auth.num_uses !== 0) {
        await ask({ method: "POST", path: REVOKE, token: auth.client_token }, signal);
        const fix = "Tell the person who runs you: token_num_uses of the role has to be 0.";
        throw refused("Vault's token is good for a few requests only.", fix);
      }
      return loginOf(auth);
    },
    lookUp: async (token, signal) => {
      await ask({ method: "GET", path: "auth/token/lookup-self", token }, signal);
    },
    renew: async (token, signal) => {
      const body = { increment: INCREMENT };
      const path = "auth/token/renew-self";
      return leaseOf(read(grantShape, await ask({ method: "POST", path, token, body }, signal)));
    },
    revoke: async (token, signal) => {
      await ask({ method: "POST", path: REVOKE, token }, signal);
    },
    health: async (signal) =>
      await sendRequest(settings, { method: "GET", path: "sys/health" }, signal),
    close: () => breaker.shutdown(),
  };
}

const REVOKE = "auth/token/revoke-self";

/** What its status means; docs of Vault's HTTP API, "HTTP status codes". */
function judge({ path }: VaultRequest, { status, json }: VaultReply): unknown {
  if (status >= 200 && status < 300) return json;
  if (status >= 300 && status < 400) {
    throw unavailable("it sends elsewhere; VAULT_ADDR has to name the active server");
  }
  if (status === 503) throw unavailable("it is sealed, or down for maintenance");
  // Not what was asked, but when: not consistent yet, too many requests, or a standby.
  const isLater = [408, 412, 429, 472, 473].includes(status);
  if (status < 400 || status >= 500 || isLater) throw unavailable(`it answered with ${status}`);
  const what = path.slice(path.lastIndexOf("/") + 1);
  throw refused(`Vault refused ${what} (${status}).`, FIXES.get(what) ?? FIX, status);
}

const FIX = "Tell the person who runs you: Vault does not let this process in.";
const FIXES: ReadonlyMap<string, string> = new Map([
  [
    "login",
    "Tell the person who runs you: GUVNOR_VAULT_ROLE_ID or the secret ID is wrong, used up or over.",
  ],
  [
    "lookup-self",
    "Tell the person who runs you: the role's policies must allow auth/token/lookup-self.",
  ],
]);

function loginOf(auth: z.infer<typeof loginShape>["auth"]): VaultLogin {
  return {
    token: auth.client_token,
    lease: leaseOf({ auth }),
    role: auth.metadata?.["role_name"],
    principal: auth.metadata?.["principal"],
    policies: auth.token_policies ?? auth.policies ?? [],
  };
}

function leaseOf({ auth }: z.infer<typeof grantShape>): Lease {
  return { ms: auth.lease_duration * 1000, isRenewable: auth.renewable };
}

function read<T>(shape: z.ZodType<T>, json: unknown): T {
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  throw unavailable("its answer is not Vault's");
}
