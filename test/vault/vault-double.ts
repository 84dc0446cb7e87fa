import { randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/**
 * Plays HashiCorp Vault over HTTP. It is made from Vault's documentation (website/content of
 * hashicorp/vault), not from a real one:
 *
 * - api-docs/index.mdx: the prefix /v1/, X-Vault-Token, X-Vault-Namespace, "Error response", "HTTP
 *   status codes";
 * - api-docs/auth/approle.mdx, "Login with AppRole"; docs/auth/approle.mdx: uses and metadata of a secret ID;
 * - api-docs/auth/token.mdx: lookup-self, renew-self, revoke-self;
 * - api-docs/system/health.mdx: the status codes by the server's state;
 * - docs/concepts/lease.mdx and tokens.mdx: an increment counts from now, is only a wish, and ends at
 *   the maximum; periodic tokens have none.
 *
 * Those pages do not have the texts of errors and warnings; they are those of OpenBao's source
 * (approle/path_login.go, sdk/framework/lease.go).
 */
export interface VaultDouble {
  readonly address: string;
  readonly role: Role;
  /** What it says and does; a test changes it as it goes. */
  state: ServerState;
  /** All that was asked, in order. */
  readonly asked: Asked[];
  /** Paths that were asked, e.g. "login". */
  paths(): string[];
  /** Tokens that are good now. */
  tokens(): string[];
  /** As `vault token revoke` does. */
  revokeAll(): void;
  /** Lets the server's time pass. */
  advance(seconds: number): void;
  close(): Promise<void>;
}

type ServerState =
  | "active"
  | "sealed"
  | "standby"
  | "performance_standby"
  | "dr_secondary"
  | "uninitialised"
  /** Takes requests and answers none. */
  | "silent"
  /** A standby that cannot forward sends to the active server. */
  | "redirecting"
  /** Something else listens on the port. */
  | "not_vault"
  | "endless"
  | "rate_limited";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** An AppRole as an operator wrote it. */
interface Role {
  name: string;
  roleId: string;
  secretId: string;
  /** 0: without a bound. */
  secretIdNumUses: number;
  tokenTtl: number;
  tokenMaxTtl: number;
  /** 0: not periodic. */
  tokenPeriod: number;
  tokenNumUses: number;
  isRenewable: boolean;
  policies: string[];
  /** What its policies do not allow, of what the default policy does. */
  denied: string[];
  mount: string;
  namespace: string;
  /** That an operator gave with the secret ID. */
  metadata: Record<string, string>;
}

interface LiveToken {
  readonly id: string;
  readonly issuedAt: number;
  readonly accessor: string;
  expiresAt: number;
  readonly isRenewable: boolean;
}

const HEALTH: Readonly<Partial<Record<ServerState, number>>> = {
  active: 200,
  standby: 429,
  dr_secondary: 472,
  performance_standby: 473,
  uninitialised: 501,
  sealed: 503,
};

export async function startVaultDouble(
  options: { role?: Partial<Role>; tls?: { key: string; cert: string }; port?: number } = {},
): Promise<VaultDouble> {
  const world = new World(options.role);
  const listener: RequestListener = (request, response) => void world.serve(request, response);
  const server: Server =
    options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  world.address = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  world.shut = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  };
  return world;
}

class World implements VaultDouble {
  address = "";
  state: ServerState = "active";
  readonly asked: Asked[] = [];
  readonly role: Role;
  shut: () => Promise<void> = async () => {};
  readonly #live = new Map<string, LiveToken>();
  #offset = 0;
  #secretUses = 0;

  constructor(role: Partial<Role> = {}) {
    this.role = {
      name: "reviewers",
      roleId: "59d6d1ca-47bb-4e7e-a40b-8be3bc5a0ba8",
      secretId: "84896a0c-1347-aa90-a4f6-aca8b7558780",
      secretIdNumUses: 0,
      tokenTtl: 1200,
      tokenMaxTtl: 14_400,
      tokenPeriod: 0,
      tokenNumUses: 0,
      isRenewable: true,
      policies: ["default", "guvnor"],
      denied: [],
      mount: "approle",
      namespace: "",
      metadata: {},
      ...role,
    };
  }

  paths(): string[] {
    return this.asked.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  }

  tokens(): string[] {
    return [...this.#live.values()]
      .filter(({ expiresAt }) => expiresAt > this.#now())
      .map(({ id }) => id);
  }

  revokeAll(): void {
    this.#live.clear();
  }

  advance(seconds: number): void {
    this.#offset += seconds;
  }

  async close(): Promise<void> {
    await this.shut();
  }

  #now(): number {
    return Date.now() / 1000 + this.#offset;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const part of request) text += String(part);
    const { method = "", url = "", headers } = request;
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const asked: Asked = { method, path: url.split("?")[0] ?? "", headers, body };
    this.asked.push(asked);
    if (this.#isStrange(response)) return;
    if (asked.path === "/v1/sys/health") {
      send(response, HEALTH[this.state] ?? 200, this.#health());
      return;
    }
    const [status, answer] = this.#answer(asked);
    send(response, status, answer);
  }

  /** Whether it is something that no healthy Vault does. */
  #isStrange(response: ServerResponse): boolean {
    if (this.state === "silent") return true;
    if (this.state === "redirecting") {
      response.writeHead(307, { Location: "http://127.0.0.1:1/v1/stolen" }).end();
      return true;
    }
    if (this.state === "not_vault") {
      response.writeHead(200, { "Content-Type": "text/html" }).end("<html>It works!</html>");
      return true;
    }
    if (this.state === "endless") {
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(`{"data":"${"x".repeat(1_000_000)}"}`);
      return true;
    }
    return false;
  }

  #health(): object {
    return {
      initialized: this.state !== "uninitialised",
      sealed: this.state === "sealed",
      standby: this.state === "standby",
      performance_standby: this.state === "performance_standby",
      replication_performance_mode: "disabled",
      replication_dr_mode: this.state === "dr_secondary" ? "secondary" : "disabled",
      server_time_utc: Math.floor(this.#now()),
      version: "1.18.0",
    };
  }

  #answer(asked: Asked): Answer {
    const { role, state } = this;
    if (state === "sealed") return errors(503, "Vault is sealed");
    if (state === "uninitialised") return errors(503, "Vault is not initialized");
    if (state === "rate_limited") {
      return errors(429, `request path "${asked.path.slice(4)}": rate limit quota exceeded`);
    }
    const namespace = String(asked.headers["x-vault-namespace"] ?? "").replace(/\/$/, "");
    const path = asked.path.slice("/v1/".length);
    const noRoute = `no handler for route "${path}". route entry not found.`;
    if (namespace !== role.namespace) return errors(404, noRoute);
    const isWrite = asked.method === "POST" || asked.method === "PUT";
    if (path === `auth/${role.mount}/login`) {
      return isWrite ? this.#logIn(asked.body) : UNSUPPORTED;
    }
    const served = { "lookup-self": !isWrite, "renew-self": isWrite, "revoke-self": isWrite };
    const name = path.replace("auth/token/", "");
    if (!isKeyOf(served, name)) return errors(404, noRoute);
    if (!served[name]) return UNSUPPORTED;
    return this.#withToken(name, asked);
  }

  #withToken(name: "lookup-self" | "renew-self" | "revoke-self", asked: Asked): Answer {
    const id = asked.headers["x-vault-token"];
    if (typeof id !== "string" || id === "") return errors(400, "missing client token");
    const token = this.#live.get(id);
    if (token === undefined || token.expiresAt <= this.#now()) {
      return errors(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n");
    }
    if (this.role.denied.includes(name)) {
      return errors(403, "1 error occurred:\n\t* permission denied\n\n");
    }
    if (name === "revoke-self") {
      this.#live.delete(id);
      return [204, undefined];
    }
    return name === "renew-self" ? this.#renew(token, asked.body) : this.#lookUp(token);
  }

  #logIn(body: unknown): Answer {
    const { role } = this;
    const { role_id: roleId, secret_id: secretId } = (body ?? {}) as Record<string, unknown>;
    if (typeof roleId !== "string") return errors(400, "missing role_id");
    if (typeof secretId !== "string") return errors(400, "missing secret_id");
    const isUsedUp = role.secretIdNumUses > 0 && this.#secretUses >= role.secretIdNumUses;
    if (roleId !== role.roleId || secretId !== role.secretId || isUsedUp) {
      return errors(400, "invalid role or secret ID");
    }
    this.#secretUses += 1;
    const now = this.#now();
    const ttl = role.tokenPeriod || Math.min(role.tokenTtl, role.tokenMaxTtl);
    const token: LiveToken = {
      id: `hvs.${randomUUID()}`,
      accessor: randomUUID(),
      issuedAt: now,
      expiresAt: now + ttl,
      isRenewable: role.isRenewable,
    };
    this.#live.set(token.id, token);
    return [200, envelope({ auth: this.#auth(token, ttl) })];
  }

  /** CalculateTTL of sdk/framework/lease.go. */
  #renew(token: LiveToken, body: unknown): Answer {
    if (!token.isRenewable) return errors(400, "lease is not renewable");
    const { role } = this;
    const now = this.#now();
    const asked = secondsOf((body as { increment?: unknown } | undefined)?.increment);
    let ttl = role.tokenPeriod || asked || role.tokenTtl;
    const warnings: string[] = [];
    if (role.tokenPeriod === 0) {
      const left = Math.floor(token.issuedAt + role.tokenMaxTtl - now);
      if (left <= 0) return errors(400, "past the max TTL, cannot renew");
      if (ttl > left) {
        warnings.push(
          `TTL of "${ttl}s" exceeded the effective max_ttl of "${left}s"; TTL value is capped accordingly`,
        );
        ttl = left;
      }
    }
    token.expiresAt = now + ttl;
    return [200, envelope({ auth: this.#auth(token, ttl), warnings })];
  }

  #auth({ id, accessor, isRenewable }: LiveToken, ttl: number): object {
    const { role } = this;
    return {
      client_token: id,
      accessor,
      policies: role.policies,
      token_policies: role.policies,
      metadata: { ...role.metadata, role_name: role.name },
      lease_duration: ttl,
      renewable: isRenewable,
      entity_id: "7d2e3179-f69b-450c-7179-ac8ee8bd8ca9",
      token_type: "service",
      orphan: true,
      num_uses: role.tokenNumUses,
    };
  }

  #lookUp(token: LiveToken): Answer {
    const { role } = this;
    const data = {
      accessor: token.accessor,
      creation_time: Math.floor(token.issuedAt),
      creation_ttl: role.tokenTtl,
      display_name: role.mount,
      entity_id: "7d2e3179-f69b-450c-7179-ac8ee8bd8ca9",
      expire_time: new Date(token.expiresAt * 1000).toISOString(),
      explicit_max_ttl: 0,
      id: token.id,
      issue_time: new Date(token.issuedAt * 1000).toISOString(),
      meta: { ...role.metadata, role_name: role.name },
      num_uses: role.tokenNumUses,
      orphan: true,
      path: `auth/${role.mount}/login`,
      policies: role.policies,
      renewable: token.isRenewable,
      ttl: Math.floor(token.expiresAt - this.#now()),
      type: "service",
    };
    return [200, envelope({ data })];
  }
}

type Answer = readonly [status: number, body: object | undefined];

const UNSUPPORTED: Answer = errors(405, "1 error occurred:\n\t* unsupported operation\n\n");

function errors(status: number, text: string): Answer {
  return [status, { errors: [text] }];
}

/** What every reply is wrapped in. */
function envelope(given: { auth?: object; data?: object; warnings?: string[] }): object {
  const { auth = null, data = null, warnings = [] } = given;
  return {
    request_id: randomUUID(),
    lease_id: "",
    renewable: false,
    lease_duration: 0,
    data,
    wrap_info: null,
    warnings: warnings.length === 0 ? null : warnings,
    auth,
  };
}

/** "90s", "2h", or a number. */
function secondsOf(increment: unknown): number {
  if (typeof increment === "number") return increment;
  const [, count = "0", unit = "s"] = /^(\d+)([smh]?)$/.exec(String(increment)) ?? [];
  return Number(count) * ({ s: 1, m: 60, h: 3600 }[unit] ?? 1);
}

function isKeyOf<T extends object>(object: T, key: string): key is Extract<keyof T, string> {
  return Object.hasOwn(object, key);
}

function send(response: ServerResponse, status: number, body: object | undefined): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
