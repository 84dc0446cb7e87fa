import { createHash } from "node:crypto";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { GuvnorError } from "../../../src/core/errors.ts";
import { isOver, type Login, startLogin } from "../../../src/core/login.ts";
import type { JsonObject } from "../../../src/engine/call.ts";
import type { TokenIssuer } from "../../../src/engine/ports.ts";
import { createProcessLoop } from "../../../src/engine/process-loop.ts";
import { codeOf, type Fleet } from "../../support/engine-harness.ts";
import {
  agentNamed,
  asPerson,
  claimed,
  expectSoundLedger,
  planTasks,
  rulesFleet,
  taskNamed,
} from "../../support/rules-fleet.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** An issuer elsewhere, as the engine knows one: what it says is what a test lets it say. */
interface ElsewhereDouble {
  readonly issuer: TokenIssuer;
  isReachable: boolean;
  /** What happens at the next look. */
  next: "nothing" | "renewed" | "revoked" | "replaced";
  readonly heard: string[];
}

let fleet: Fleet;
let issuers: Map<string, ElsewhereDouble>;

beforeEach(async () => {
  issuers = new Map();
  fleet = await rulesFleet("profile: standard\n", {
    issuerOf: (name) => {
      if (name === "cli" || name.startsWith("own")) return undefined;
      const made = elsewhere(name);
      issuers.set(name, made);
      return made.issuer;
    },
  });
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

function issuerOf(name: string): ElsewhereDouble {
  const found = issuers.get(name);
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
}

function elsewhere(name: string): ElsewhereDouble {
  let logins: Login[] = [];
  let count = 0;
  let isGivenBack = false;
  const begin = (): void => {
    count += 1;
    const of = `vault-${name}-${count}`;
    const hash = createHash("sha256").update(of).digest("hex");
    const given = { hash, name: of, principal: `vault:${name}`, policies: ["default"] };
    logins.push(startLogin(given, { ms: HOUR_MS, isRenewable: true }, fleet.clock.now()));
  };
  const change = (with_: Partial<Login>): void => {
    logins = logins.map((login, index) =>
      index === logins.length - 1 ? { ...login, ...with_ } : login,
    );
  };
  const double: ElsewhereDouble = {
    isReachable: true,
    next: "nothing",
    heard: [],
    issuer: {
      vouch: () => {
        const login = logins.at(-1);
        if (login !== undefined && !isOver(login, fleet.clock.now()))
          return { kind: "login", login };
        return { kind: "none", why: new GuvnorError("issuer_unavailable", "It is away.", "Wait.") };
      },
      prepare: async () => {
        const login = logins.at(-1);
        const isGood = login !== undefined && !isOver(login, fleet.clock.now());
        if (double.isReachable && !isGivenBack && !isGood) begin();
        await Promise.resolve();
      },
      logins: () => logins,
      attend: async () => {
        double.heard.push("look");
        if (double.next === "renewed") change({ expiresAtMs: fleet.clock.now() + HOUR_MS });
        if (double.next === "revoked") change({ state: "revoked" });
        if (double.next === "replaced") {
          change({ state: "ended" });
          begin();
        }
        double.next = "nothing";
        await Promise.resolve();
      },
      giveBack: async () => {
        double.heard.push("give back");
        isGivenBack = true;
        change({ state: "ended" });
        await Promise.resolve();
      },
    },
  };
  return double;
}

async function listed(): Promise<JsonObject[]> {
  const { tokens } = await asPerson(fleet, "tokens_list", { kind: "enrolment" });
  return tokens as JsonObject[];
}

async function tokenEvents(): Promise<unknown[]> {
  return (await fleet.ledger())
    .flatMap(({ effects }) => effects)
    .filter(({ type }) => type === "token")
    .map(({ event, name, agent }) => `${String(name ?? agent)} ${String(event)}`);
}

async function look(): Promise<void> {
  await fleet.advance(5000);
  await fleet.tick();
}

describe("an agent of a process that an issuer elsewhere vouches for", () => {
  test("gets its token under the login, which answers for it and which people see", async () => {
    await fleet.ok("ada", "get_status");
    expect(await agentNamed(fleet, "ada")).toMatchObject({ principal: "vault:ada" });
    expect(await listed()).toMatchObject([
      { name: "vault-ada-1", principal: "vault:ada", kind: "enrolment" },
    ]);
    expect(await tokenEvents()).toEqual(["vault-ada-1 enrolled", "ada issued"]);
    const first = (await fleet.ledger()).find(({ actor }) => actor === "ada");
    expect(first?.effects).toContainEqual(
      expect.objectContaining({ event: "enrolled", policies: ["default"] }),
    );
  });

  test("is refused and recorded while nothing vouches, and let in as soon as something does", async () => {
    await fleet.ok("own", "get_status");
    fleet.deps("ada");
    issuerOf("ada").isReachable = false;
    expect(await fleet.refusal("ada", "get_status")).toBe("issuer_unavailable");
    expect(await fleet.refusal("ada", "register_agent", { name: "ada" })).toBe(
      "issuer_unavailable",
    );
    expect((await fleet.ledger()).slice(-2)).toMatchObject([
      { actor: "ada", action: "get_status", decision: "refuse", reason: "issuer_unavailable" },
      { action: "register_agent", decision: "refuse", reason: "issuer_unavailable" },
    ]);
    issuerOf("ada").isReachable = true;
    await fleet.ok("ada", "get_status");
  });

  test("closes no tool for others while its issuer is away: their tokens are good", async () => {
    for (const name of ["ada", "bob", "own"]) fleet.deps(name);
    for (const name of ["ada", "bob"]) issuerOf(name).isReachable = false;
    for (let time = 0; time < 30; time += 1) {
      for (const name of ["ada", "bob"]) {
        expect(await fleet.refusal(name, "read_board")).toBe("issuer_unavailable");
      }
      await fleet.advance(1000);
    }
    await fleet.ok("own", "read_board");
  });
});

describe("the lease of a login", () => {
  test("that is renewed moves the end of its enrolment along", async () => {
    await fleet.ok("ada", "get_status");
    await fleet.advance(50 * MINUTE_MS);
    issuerOf("ada").next = "renewed";
    await look();
    await fleet.advance(50 * MINUTE_MS);
    await fleet.ok("ada", "get_status");
    expect(await tokenEvents()).toContain("vault-ada-1 renewed");
  });

  test("that ends while the issuer is away ends the agent's calls, until there is another login", async () => {
    await planTasks(fleet, 1, {}, "own");
    expect(await claimed(fleet, "ada")).toBe("T1");
    issuerOf("ada").isReachable = false;
    await fleet.advance(HOUR_MS - 1);
    await fleet.ok("ada", "get_status");
    await fleet.advance(1);
    expect(await fleet.refusal("ada", "get_status")).toBe("issuer_unavailable");
    issuerOf("ada").isReachable = true;
    await fleet.ok("ada", "get_status");
    expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "analyzing" });
    expect(await listed()).toContainEqual(expect.objectContaining({ name: "vault-ada-2" }));
  });

  test("costs nothing to look at: rounds without a change write nothing", async () => {
    await fleet.ok("ada", "get_status");
    await look();
    const before = (await fleet.ledger()).length;
    for (let round = 0; round < 5; round += 1) await look();
    expect(await fleet.ledger()).toHaveLength(before);
    expect(issuerOf("ada").heard.length).toBeGreaterThanOrEqual(6);
  });

  test("is looked at by no process that nobody has called", async () => {
    fleet.deps("ada");
    await look();
    expect(issuerOf("ada").heard).toEqual([]);
  });
});

describe("a login whose place another one takes", () => {
  test("takes nothing from its agents: they go on with tokens of the new one", async () => {
    await planTasks(fleet, 1, {}, "own");
    await claimed(fleet, "ada");
    const { tokenHash } = await agentNamed(fleet, "ada");
    issuerOf("ada").next = "replaced";
    await look();
    const old = await fleet.read(async (tx) => await tx.tokens.get(tokenHash ?? ""));
    expect(old?.token.revokedWhy).toBe("its login is over");
    await fleet.ok("ada", "get_status");
    expect((await agentNamed(fleet, "ada")).tokenHash).not.toBe(tokenHash);
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running", holder: "ada" });
    expect((await listed()).map(({ name }) => name)).toEqual(["vault-ada-2"]);
  });
});

describe("a login that is revoked", () => {
  test("at its issuer ends its agents at their next call, wherever they are, and no others", async () => {
    await planTasks(fleet, 1, {}, "own");
    const { session } = await fleet.ok("ada", "register_agent", { name: "ada" });
    await claimed(fleet, "ada");
    await fleet.ok("bob", "get_status");
    issuerOf("ada").next = "revoked";
    await look();
    expect(await fleet.refusal("ada", "get_status")).toBe("agent_revoked");
    expect(await fleet.refusal("bob", "get_status", { session })).toBe("agent_revoked");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", lostLeases: 0 });
    await fleet.ok("bob-2", "get_status");
    await fleet.ok("own", "get_status");
    const all = await asPerson(fleet, "tokens_list", { all: true, kind: "enrolment" });
    expect(all["tokens"]).toContainEqual(
      expect.objectContaining({ name: "vault-ada-1", revoked_why: "its issuer revoked it" }),
    );
  });

  test("by a person is given back to its issuer, which is asked no more", async () => {
    await fleet.ok("ada", "get_status");
    const asked = { name: "vault-ada-1", reason: "leaked" };
    expect(await asPerson(fleet, "tokens_revoke", asked)).toMatchObject({ agents: ["ada"] });
    expect(await fleet.refusal("ada", "get_status")).toBe("agent_revoked");
    await look();
    expect(issuerOf("ada").heard).toEqual(["give back"]);
    await asPerson(fleet, "agents_restore", { agent: "ada" });
    expect(codeOf(await fleet.call("ada", "get_status"))).toBe("issuer_unavailable");
  });
});

test("a process that ends gives its login back, and takes it out of the list", async () => {
  await fleet.ok("ada", "get_status");

  await createProcessLoop(fleet.deps("ada")).end();
  expect(issuerOf("ada").heard).toEqual(["give back"]);
  expect(await listed()).toEqual([]);
  expect(await agentNamed(fleet, "ada")).toMatchObject({ state: "offline" });
});
