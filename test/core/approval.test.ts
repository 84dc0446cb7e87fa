import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  approverProblem,
  expireApproval,
  grantApproval,
  refuseApproval,
  requestApproval,
  spendApproval,
  withdrawApproval,
  type Approval,
  type ApprovalMove,
  type ApprovalNeed,
  type Approver,
} from "../../src/core/approval.ts";

const START_MS = 1_795_000_000_000;
const grantTtlMs = 3_600_000;
const NEED: ApprovalNeed = { role: "operator", count: 1, excludePrincipals: false };

function asked(need: Partial<ApprovalNeed> = {}): Approval {
  return requestApproval(
    {
      id: "A1",
      tool: "report_progress",
      subject: "5a",
      rule: "prod-needs-a-person",
      taskId: "T1",
      requester: { agent: "ada", principal: "user:eve" },
      producers: [{ agent: "bob", principal: "user:dan" }],
      need: { ...NEED, ...need },
    },
    START_MS,
  );
}

function operator(name: string, principal = `user:${name}`): Approver {
  return { name: `person:${name}`, principal, roles: ["operator"] };
}

function yes(approval: Approval, approver: Approver, nowMs = START_MS): ApprovalMove {
  return grantApproval(approval, approver, { nowMs, grantTtlMs });
}

function moved(move: ApprovalMove): Approval {
  if (!move.ok) throw new Error(move.problem);
  return move.approval;
}

const SPENT = { agent: "ada", subject: "5a" };

const approver: fc.Arbitrary<Approver> = fc.oneof(
  fc.record({
    name: fc.constantFrom("person:eve", "person:dan", "person:kim", "person:lee", "ada", "bob"),
    principal: fc.constantFrom("user:eve", "user:dan", "user:kim", "user:lee"),
    roles: fc.subarray(["operator", "auditor"]),
  }),
);
const need: fc.Arbitrary<ApprovalNeed> = fc.record({
  role: fc.constantFrom("operator", "auditor"),
  count: fc.integer({ min: 1, max: 3 }),
  excludePrincipals: fc.boolean(),
});

type Act =
  | { readonly kind: "grant" | "refuse"; readonly approver: Approver }
  | { readonly kind: "withdraw" }
  | { readonly kind: "use"; readonly agent: string; readonly subject: string }
  | { readonly kind: "pass"; readonly ms: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("grant" as const), approver }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("refuse" as const), approver }) },
  { weight: 1, arbitrary: fc.constant({ kind: "withdraw" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("use" as const),
      agent: fc.constantFrom("ada", "ada", "bob"),
      subject: fc.constantFrom("5a", "5a", "other"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.integer({ min: 0, max: 2 * grantTtlMs }),
    }),
  },
);

function apply(approval: Approval, given: Act, nowMs: number): Approval {
  if (given.kind === "pass") return expireApproval(approval, nowMs);
  const move = {
    grant: () => yes(approval, "approver" in given ? given.approver : operator("x"), nowMs),
    refuse: () =>
      refuseApproval(approval, "approver" in given ? given.approver : operator("x"), {
        nowMs,
        reason: "no",
      }),
    withdraw: () => withdrawApproval(approval, { by: "ada", reason: "no longer" }, nowMs),
    use: () => spendApproval(approval, "agent" in given ? given : SPENT, nowMs),
  }[given.kind]();
  return move.ok ? move.approval : approval;
}

const MOVES: Readonly<Record<Approval["state"], readonly Approval["state"][]>> = {
  requested: ["granted", "refused", "withdrawn"],
  granted: ["used", "expired"],
  refused: [],
  withdrawn: [],
  used: [],
  expired: [],
};

describe("in any history an approval", () => {
  const history = fc.array(act, { maxLength: 40, size: "max" });

  test("moves only as its states allow, is used at most once, and ends with a time", () => {
    fc.assert(
      fc.property(need, history, (wanted, acts) => {
        let approval = asked(wanted);
        let nowMs = START_MS;
        let uses = 0;
        for (const each of acts) {
          if (each.kind === "pass") nowMs += each.ms;
          const next = apply(approval, each, nowMs);
          if (next.state !== approval.state) {
            expect(MOVES[approval.state]).toContain(next.state);
            if (next.state === "used") uses += 1;
          }
          approval = next;
          expect(approval.endedAtMs === null).toBe(MOVES[approval.state].length > 0);
        }
        expect(JSON.parse(JSON.stringify(approval))).toEqual(approval);
        expect(uses).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  test("is granted by so many different people who have the role and no part in it", () => {
    fc.assert(
      fc.property(need, history, (wanted, acts) => {
        let approval = asked(wanted);
        const roles = new Map<string, Approver>();
        for (const each of acts) {
          if ("approver" in each) {
            const key = `${each.approver.name} ${each.approver.principal}`;
            const known = roles.get(key)?.roles ?? [];
            roles.set(key, { ...each.approver, roles: [...known, ...each.approver.roles] });
          }
          approval = apply(approval, each, START_MS);
        }
        const { grants } = approval;
        expect(new Set(grants.map(({ principal }) => principal)).size).toBe(grants.length);
        expect(new Set(grants.map(({ name }) => name)).size).toBe(grants.length);
        for (const { name, principal } of grants) {
          expect(["ada", "bob"]).not.toContain(name);
          if (wanted.excludePrincipals) expect(["user:eve", "user:dan"]).not.toContain(principal);
          expect(roles.get(`${name} ${principal}`)?.roles).toContain(wanted.role);
        }
        const isPastGrant = ["granted", "used", "expired"].includes(approval.state);
        if (isPastGrant) expect(grants.length).toBe(wanted.count);
        else expect(grants.length).toBeLessThan(wanted.count);
      }),
      { numRuns: 300 },
    );
  });

  test("that is only requested stays so, however much time passes", () => {
    fc.assert(
      fc.property(need, fc.nat(10 ** 12), (wanted, ms) => {
        const approval = asked(wanted);
        expect(expireApproval(approval, START_MS + ms)).toBe(approval);
      }),
    );
  });
});

describe("a yes", () => {
  test("of each of two different people grants what needs two", () => {
    const first = moved(yes(asked({ count: 2 }), operator("kim")));
    expect(first).toMatchObject({ state: "requested", expiresAtMs: null });
    expect(yes(first, operator("kim"))).toEqual({ ok: false, problem: "granted_already" });
    expect(yes(first, operator("kim2", "user:kim"))).toMatchObject({ problem: "granted_already" });
    expect(moved(yes(first, operator("lee"), START_MS + 5))).toMatchObject({
      state: "granted",
      grantedAtMs: START_MS + 5,
      expiresAtMs: START_MS + 5 + grantTtlMs,
    });
  });

  test.each([
    { who: { ...operator("kim"), roles: ["auditor"] }, problem: "lacks_role" },
    { who: { ...operator("kim"), name: "ada" }, problem: "is_party" },
    { who: { ...operator("kim"), name: "bob" }, problem: "is_party" },
  ])("of $who.name with $who.roles does not count: $problem", ({ who, problem }) => {
    expect(approverProblem(asked(), who)).toBe(problem);
    expect(yes(asked(), who)).toEqual({ ok: false, problem });
  });

  test("of whoever answers for the requester or a producer does not count where that is said", () => {
    for (const name of ["eve", "dan"]) {
      expect(approverProblem(asked(), operator(name))).toBeUndefined();
      expect(approverProblem(asked({ excludePrincipals: true }), operator(name))).toBe("is_party");
    }
    expect(approverProblem(asked({ excludePrincipals: true }), operator("kim"))).toBeUndefined();
  });

  test("comes too late after the grant", () => {
    const granted = moved(yes(asked(), operator("kim")));
    expect(yes(granted, operator("lee"))).toEqual({ ok: false, problem: "state_conflict" });
  });
});

describe("a no", () => {
  const no = { nowMs: START_MS, reason: "Not on a Friday." };

  test("refuses, whoever said yes before, and is final", () => {
    const half = moved(yes(asked({ count: 2 }), operator("kim")));
    const refused = moved(refuseApproval(half, operator("lee"), no));
    expect(refused).toMatchObject({
      state: "refused",
      endedBy: "person:lee",
      reason: "Not on a Friday.",
    });
    expect(yes(refused, operator("dan"))).toMatchObject({ problem: "state_conflict" });
    expect(refuseApproval(refused, operator("lee"), no)).toMatchObject({
      problem: "state_conflict",
    });
  });

  test("is taken from those too whose yes would not count, but not without the role", () => {
    const approval = asked({ excludePrincipals: true });
    expect(refuseApproval(approval, operator("eve"), no).ok).toBe(true);
    expect(refuseApproval(approval, { ...operator("kim"), roles: [] }, no)).toEqual({
      ok: false,
      problem: "lacks_role",
    });
  });
});

describe("a grant", () => {
  const granted = moved(yes(asked(), operator("kim")));

  test("is used once, by who asked, for exactly what was approved", () => {
    expect(spendApproval(granted, { ...SPENT, agent: "bob" }, START_MS)).toMatchObject({
      problem: "not_requester",
    });
    expect(spendApproval(granted, { ...SPENT, subject: "5b" }, START_MS)).toMatchObject({
      problem: "other_subject",
    });
    const used = moved(spendApproval(granted, SPENT, START_MS + 1));
    expect(used).toMatchObject({ state: "used", endedAtMs: START_MS + 1 });
    expect(spendApproval(used, SPENT, START_MS + 2)).toMatchObject({ problem: "state_conflict" });
    expect(spendApproval(asked(), SPENT, START_MS)).toMatchObject({ problem: "state_conflict" });
  });

  test("hangs on its task: who holds that by now may use it, unless it would be its own yes", () => {
    const other = { ...SPENT, agent: "bob" };
    const task = granted.taskId ?? "";
    expect(moved(spendApproval(granted, { ...other, taskId: task }, START_MS)).state).toBe("used");
    expect(spendApproval(granted, { ...other, taskId: "T99" }, START_MS).ok).toBe(false);
    const loose = { ...granted, taskId: null };
    expect(spendApproval(loose, { ...other, taskId: undefined }, START_MS).ok).toBe(false);
    const [grant] = granted.grants;
    const own = { ...other, taskId: task, principal: grant?.principal };
    const strict = { ...granted, need: { ...granted.need, excludePrincipals: true } };
    expect(spendApproval(strict, own, START_MS).ok).toBe(false);
    expect(spendApproval(strict, { ...own, principal: "else" }, START_MS).ok).toBe(true);
  });

  test("can be used until its time is over, whether or not somebody looked after it", () => {
    fc.assert(
      fc.property(fc.nat(2 * grantTtlMs), (ms) => {
        const atMs = START_MS + ms;
        const isOver = ms >= grantTtlMs;
        expect(spendApproval(granted, SPENT, atMs).ok).toBe(!isOver);
        const due = expireApproval(granted, atMs);
        expect(due.state).toBe(isOver ? "expired" : "granted");
        expect(due === granted).toBe(!isOver);
        if (isOver) {
          expect(spendApproval(granted, SPENT, atMs)).toMatchObject({ problem: "expired" });
          expect(expireApproval(due, atMs)).toBe(due);
        }
      }),
    );
  });

  test("is over at its very end", () => {
    expect(spendApproval(granted, SPENT, START_MS + grantTtlMs - 1).ok).toBe(true);
    expect(spendApproval(granted, SPENT, START_MS + grantTtlMs).ok).toBe(false);
  });

  test("is not withdrawn any more; a request is", () => {
    const by = { by: "ada", reason: "The task was cancelled." };
    expect(withdrawApproval(granted, by, START_MS)).toMatchObject({ problem: "state_conflict" });
    expect(moved(withdrawApproval(asked(), by, START_MS))).toMatchObject({
      state: "withdrawn",
      endedBy: "ada",
    });
  });
});
