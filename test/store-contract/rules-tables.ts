import { beforeEach, describe, expect, test } from "vitest";

import type { Approval } from "../../src/core/approval.ts";
import { CLOSED_BREAKER } from "../../src/core/breaker.ts";
import type { Guard } from "../../src/core/guard.ts";
import type { HeldAction, HeldReport } from "../../src/core/held-action.ts";
import { NO_EPISODES } from "../../src/core/limit-decision.ts";
import type { Token } from "../../src/core/token.ts";
import { startTrust } from "../../src/core/trust.ts";
import type { Violation } from "../../src/core/violation.ts";
import type { NamedToken, Scope, Store, StoreTx } from "../../src/store/store.ts";

const SCOPE: Scope = { tenant: "t", project: "p" };
const OTHER: Scope = { tenant: "t", project: "q" };

const LIMIT = { window: null, episodes: NO_EPISODES, flood: null };
const GUARDS: readonly Guard[] = [
  { subject: "agent:ada", kind: "limit", name: "calls", state: LIMIT },
  { subject: "agent:ada", kind: "limit", name: "errors", state: LIMIT },
  { subject: "agent:ada", kind: "trust", name: "", state: startTrust("T1") },
  { subject: "agent:bob", kind: "limit", name: "calls", state: LIMIT },
  { subject: "project", kind: "stop", name: "", state: [] },
  { subject: "tool:vote", kind: "breaker", name: "", state: CLOSED_BREAKER },
];

const VIOLATION: Violation = {
  id: "V1",
  agent: "ada",
  rule: "r",
  limit: null,
  severity: "high",
  what: "vote: no",
  action: "denied",
  atMs: 100,
  taskId: "T7",
};

const APPROVAL: Approval = {
  id: "A1",
  tool: "report_progress",
  subject: "5a",
  rule: "prod",
  taskId: "T1",
  requester: { agent: "ada", principal: "me" },
  producers: [],
  need: { role: "operator", count: 1, excludePrincipals: false },
  state: "requested",
  grants: [],
  requestedAtMs: 1,
  grantedAtMs: null,
  expiresAtMs: null,
  endedAtMs: null,
  endedBy: null,
  reason: null,
};

const REPORT: HeldReport = {
  request: { id: "r1", digest: "d1" },
  number: 1,
  agent: "ada",
  callId: "c",
  tool: "report_progress",
  report: { task_id: "T1", fence: 1, status: "done" },
  tier: "T2",
  facts: { head: "c1" },
  atMs: 1,
  outcome: null,
};

const TOKEN: Token = {
  hash: "h1",
  kind: "access",
  parent: null,
  agent: "ada",
  scope: { tools: ["*"], project: "p", tier: "T2" },
  issuedAtMs: 1,
  expiresAtMs: 2,
  renewedAtMs: 1,
  revokedAtMs: null,
  revokedWhy: null,
};

function action(given: Partial<Approval> = {}): HeldAction {
  const approval = { ...APPROVAL, ...given };
  return { approval, input: { commit: "c1", outputs: { a: [1] } }, facts: {}, reason: "why" };
}

function named(given: Partial<Token> = {}, name: string | null = null): NamedToken {
  return { token: { ...TOKEN, ...given }, name, principal: "me" };
}

function idsOf(actions: readonly HeldAction[]): string[] {
  return actions.map(({ approval }) => approval.id);
}

function event(number: number): { number: number; kind: string; body: { id: string } } {
  return { number, kind: "violation", body: { id: `V${number}` } };
}

function hashesOf(tokens: readonly NamedToken[]): string[] {
  return tokens.map(({ token }) => token.hash);
}

/** What the port promises of the tables that keep agents in bounds. */
export function testRulesTables(open: () => Promise<Store>): void {
  let store: Store;
  beforeEach(async () => {
    store = await open();
    return async () => await store.close();
  });

  const write = async (work: (tx: StoreTx) => Promise<void>): Promise<void> => {
    await store.write(SCOPE, work);
  };

  /** Whatever was written, the other project has none of it. */
  const elsewhere = async (work: (tx: StoreTx) => Promise<unknown>): Promise<unknown> =>
    await store.write(OTHER, work);

  describe("guards", () => {
    beforeEach(async () => {
      await write(async (tx) => {
        for (const guard of GUARDS) await tx.guards.save(guard);
      });
    });

    test("are read by one to four subjects at once, each with all its states", async () => {
      await write(async (tx) => {
        const of = async (...subjects: [string, ...string[]]): Promise<string[]> =>
          (await tx.guards.of(subjects))
            .map(({ subject, kind, name }) => `${subject} ${kind} ${name}`)
            .toSorted();
        expect(await of("agent:ada")).toEqual([
          "agent:ada limit calls",
          "agent:ada limit errors",
          "agent:ada trust ",
        ]);
        expect(await of("agent:bob", "tier:T2", "tool:vote", "project")).toEqual([
          "agent:bob limit calls",
          "project stop ",
          "tool:vote breaker ",
        ]);
        expect(await of("agent:nobody")).toEqual([]);
      });
      expect(await elsewhere(async (tx) => await tx.guards.of(["agent:ada"]))).toEqual([]);
    });

    test("come back as they were saved, and a later state takes the place of the first", async () => {
      await write(async (tx) => {
        const [before] = await tx.guards.of(["tool:vote"]);
        expect(before).toEqual(GUARDS[5]);
        const state = { ...CLOSED_BREAKER, phase: "open" as const, openUntilMs: 9 };
        await tx.guards.save({ subject: "tool:vote", kind: "breaker", name: "", state });
        expect(await tx.guards.of(["tool:vote"])).toEqual([{ ...GUARDS[5], state }]);
      });
    });

    test("of a kind are listed in order of subject", async () => {
      await write(async (tx) => {
        const limits = await tx.guards.list("limit");
        expect(limits.map(({ subject, name }) => `${subject} ${name}`)).toEqual([
          "agent:ada calls",
          "agent:ada errors",
          "agent:bob calls",
        ]);
        expect(await tx.guards.list("health")).toEqual([]);
      });
    });
  });

  describe("violations", () => {
    test("are listed newest first, of one agent or of all, and counted after a time", async () => {
      const second: Violation = { ...VIOLATION, id: "V2", rule: null, limit: "calls", atMs: 200 };
      const other: Violation = { ...VIOLATION, id: "V3", agent: "bob", taskId: null, atMs: 300 };
      await write(async (tx) => {
        for (const each of [VIOLATION, second, other]) await tx.violations.insert(each);
        expect(await tx.violations.list(undefined, 9)).toEqual([other, second, VIOLATION]);
        expect(await tx.violations.list("ada", 9)).toEqual([second, VIOLATION]);
        expect(await tx.violations.list("ada", 1)).toEqual([second]);
        expect(await tx.violations.countSince("ada", 99)).toBe(2);
        expect(await tx.violations.countSince("ada", 100)).toBe(1);
        expect(await tx.violations.countSince("cy", 0)).toBe(0);
      });
      expect(await elsewhere(async (tx) => await tx.violations.list(undefined, 9))).toEqual([]);
    });
  });

  describe("approvals", () => {
    test("come back whole, by id, and a decision takes the request's place", async () => {
      await write(async (tx) => {
        await tx.approvals.save(action());
        expect(await tx.approvals.get("A1")).toEqual(action());
        await tx.approvals.save(action({ state: "refused", endedBy: "pat" }));
        expect(await tx.approvals.get("A1")).toEqual(action({ state: "refused", endedBy: "pat" }));
        expect(await tx.approvals.get("A2")).toBeUndefined();
        expect(await tx.approvals.get("T1")).toBeUndefined();
      });
      expect(await elsewhere(async (tx) => await tx.approvals.get("A1"))).toBeUndefined();
    });

    test("are open for a subject while requested or granted, oldest first", async () => {
      await write(async (tx) => {
        const states = ["granted", "used", "requested", "expired", "withdrawn", "refused"] as const;
        for (const [index, state] of states.entries()) {
          await tx.approvals.save(action({ id: `A${index + 9}`, state }));
        }
        await tx.approvals.save(action({ id: "A1", subject: "5b" }));
        expect(idsOf(await tx.approvals.openFor("5a"))).toEqual(["A9", "A11"]);
        expect(idsOf(await tx.approvals.openFor("5b"))).toEqual(["A1"]);
        expect(idsOf(await tx.approvals.list(undefined, 3))).toEqual(["A14", "A13", "A12"]);
        expect(idsOf(await tx.approvals.list("requested", 9))).toEqual(["A11", "A1"]);
      });
    });

    test("are due once their grant is over, and found by their task", async () => {
      await write(async (tx) => {
        await tx.approvals.save(action({ id: "A1", state: "granted", expiresAtMs: 100 }));
        await tx.approvals.save(action({ id: "A2", state: "used", expiresAtMs: 100 }));
        await tx.approvals.save(action({ id: "A3" }));
        await tx.approvals.save(action({ id: "A4", taskId: null }));
        expect(await tx.approvals.due(99)).toEqual([]);
        expect(idsOf(await tx.approvals.due(100))).toEqual(["A1"]);
        expect(idsOf(await tx.approvals.ofTask("T1"))).toEqual(["A1", "A2", "A3"]);
        expect(await tx.approvals.ofTask("T2")).toEqual([]);
      });
    });
  });

  describe("held reports", () => {
    test("are open in the order in which they came, until they have an outcome", async () => {
      await write(async (tx) => {
        for (const number of [10, 2, 1]) await tx.heldReports.save({ ...REPORT, number });
        expect((await tx.heldReports.open()).map(({ number }) => number)).toEqual([1, 2, 10]);
        expect((await tx.heldReports.open())[0]).toEqual(REPORT);
        await tx.heldReports.save({ ...REPORT, outcome: "accepted" });
        expect((await tx.heldReports.open()).map(({ number }) => number)).toEqual([2, 10]);
      });
      expect(await elsewhere(async (tx) => await tx.heldReports.open())).toEqual([]);
    });
  });

  describe("tokens", () => {
    const enrolment = named({ hash: "e1", kind: "enrolment", agent: null }, "team");

    test("are found by hash, by name and by agent", async () => {
      await write(async (tx) => {
        for (const each of [enrolment, named(), named({ hash: "h2", parent: "e1" })]) {
          await tx.tokens.save(each);
        }
        expect(await tx.tokens.get("h1")).toEqual(named());
        expect(await tx.tokens.get("none")).toBeUndefined();
        expect(await tx.tokens.named("team")).toEqual(enrolment);
        expect(await tx.tokens.named("h1")).toBeUndefined();
        expect(hashesOf(await tx.tokens.ofAgent("ada"))).toEqual(["h1", "h2"]);
        expect(await tx.tokens.ofAgent("bob")).toEqual([]);
      });
      expect(await elsewhere(async (tx) => await tx.tokens.get("h1"))).toBeUndefined();
      expect(await elsewhere(async (tx) => await tx.tokens.named("team"))).toBeUndefined();
    });

    test("are listed by kind, revoked ones only where they are wanted", async () => {
      await write(async (tx) => {
        const revoked = named({ hash: "h2", revokedAtMs: 5, revokedWhy: "no" });
        for (const each of [enrolment, named(), revoked]) await tx.tokens.save(each);
        const list: StoreTx["tokens"]["list"] = async (filter) => await tx.tokens.list(filter);
        expect(hashesOf(await list({ withRevoked: true, limit: 9 }))).toEqual(["e1", "h1", "h2"]);
        expect(hashesOf(await list({ withRevoked: false, limit: 9 }))).toEqual(["e1", "h1"]);
        const access = { kind: "access", withRevoked: true } as const;
        expect(hashesOf(await list({ ...access, limit: 9 }))).toEqual(["h1", "h2"]);
        expect(hashesOf(await list({ ...access, limit: 1 }))).toEqual(["h1"]);
        expect(await tx.tokens.get("h2")).toEqual(revoked);
      });
    });

    test("have no name twice in a project", async () => {
      const again = named({ hash: "e2", kind: "enrolment" }, "team");
      await write(async (tx) => await tx.tokens.save(enrolment));
      await expect(write(async (tx) => await tx.tokens.save(again))).rejects.toThrow(/unique/iu);
      await elsewhere(async (tx) => await tx.tokens.save(again));
    });
  });

  describe("outbox", () => {
    test("events are read in order, from after a number on", async () => {
      await write(async (tx) => {
        for (const number of [1, 2, 10]) {
          await tx.outbox.insert({ ...event(number), atMs: 5 });
        }
        expect(await tx.outbox.list(0, 2)).toMatchObject([event(1), event(2)]);
        expect(await tx.outbox.list(2, 9)).toEqual([{ ...event(10), atMs: 5 }]);
        expect(await tx.outbox.list(10, 9)).toEqual([]);
      });
      expect(await elsewhere(async (tx) => await tx.outbox.list(0, 9))).toEqual([]);
    });
  });
}
