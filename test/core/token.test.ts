import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { TIERS } from "../../src/core/agent.ts";
import {
  enrol,
  mintProblem,
  mintToken,
  moveEnd,
  renewToken,
  revokeToken,
  TOKEN_RENEW_MS,
  TOKEN_TTL_MS,
  tokenProblem,
  type Token,
  type TokenScope,
} from "../../src/core/token.ts";

const START_MS = 1_795_000_000_000;
const ALL: TokenScope = { tools: ["*"], project: null, tier: "T2" };
const CALL = { tool: "request_task", project: "p1" };

const CREDENTIAL = enrol({ hash: "c", agent: null, scope: ALL, expiresAtMs: null }, START_MS);
const TOKEN = mintToken(CREDENTIAL, { hash: "t", agent: "ada", scope: ALL }, START_MS);

/** A family of tokens: for each the place of its parent among those before it, 0 is the root. */
const families = fc.array(fc.nat(), { minLength: 1, maxLength: 20, size: "max" }).map((picks) => {
  const family: { token: Token; ancestors: readonly Token[] }[] = [
    { token: CREDENTIAL, ancestors: [] },
  ];
  for (const [index, pick] of picks.entries()) {
    const parent = family[pick % family.length];
    if (parent === undefined) continue;
    const given = { hash: `t${index}`, agent: "ada", scope: ALL };
    family.push({
      token: mintToken(parent.token, given, START_MS),
      ancestors: [parent.token, ...parent.ancestors],
    });
  }
  return family;
});

describe("revoking", () => {
  test("ends a token and all its descendants, and nobody else", () => {
    fc.assert(
      fc.property(families, fc.nat(), (family, which) => {
        const victim = family[which % family.length]?.token ?? CREDENTIAL;
        const revoked = (token: Token): Token =>
          token.hash === victim.hash ? revokeToken(token, "stuck", START_MS) : token;
        for (const { token, ancestors } of family) {
          if (token.kind === "enrolment") continue;
          const problem = tokenProblem(
            revoked(token),
            ancestors.map((each) => revoked(each)),
            START_MS,
            CALL,
          );
          const isBelow = ancestors.some(({ hash }) => hash === victim.hash);
          if (token.hash === victim.hash) expect(problem).toBe("revoked");
          else expect(problem).toBe(isBelow ? "parent_revoked" : undefined);
        }
      }),
    );
  });

  test("is for ever, and the first reason stands", () => {
    const revoked = revokeToken(TOKEN, "critical violation", START_MS + 1);
    expect(revoked).toMatchObject({ revokedAtMs: START_MS + 1, revokedWhy: "critical violation" });
    expect(revokeToken(revoked, "again", START_MS + 2)).toBe(revoked);
    fc.assert(
      fc.property(fc.nat(10 * TOKEN_TTL_MS), (ms) => {
        expect(renewToken(revoked, START_MS + ms)).toBe(revoked);
        expect(tokenProblem(revoked, [CREDENTIAL], START_MS + ms, CALL)).toBe("revoked");
      }),
    );
  });
});

describe("an enrolment that stands for a login", () => {
  test("ends when that does, sooner or later, and not at all once it is revoked", () => {
    fc.assert(
      fc.property(fc.nat(10 ** 9), fc.nat(10 ** 9), (endMs, laterMs) => {
        const moved = moveEnd(CREDENTIAL, START_MS + endMs, START_MS);
        const isOver = laterMs >= endMs;
        expect(mintProblem(moved, [], START_MS + laterMs, { agent: "ada", project: null })).toBe(
          isOver ? "expired" : undefined,
        );
        expect(moveEnd(moved, START_MS + endMs, START_MS + laterMs)).toBe(moved);
        const revoked = revokeToken(moved, "no", START_MS);
        expect(moveEnd(revoked, START_MS + laterMs, START_MS)).toBe(revoked);
      }),
    );
  });
});

describe("time", () => {
  const uses = fc.array(fc.integer({ min: -60_000, max: TOKEN_TTL_MS + 60_000 }), {
    maxLength: 40,
    size: "max",
  });

  test("a token that is used often enough lives on, one that is not ends after 2 hours", () => {
    fc.assert(
      fc.property(uses, (gaps) => {
        let token = TOKEN;
        let nowMs = START_MS;
        for (const gap of gaps) {
          nowMs += gap;
          const before = token;
          const problem = tokenProblem(token, [CREDENTIAL], nowMs, CALL);
          token = renewToken(token, nowMs);
          if (nowMs >= (before.expiresAtMs ?? Infinity)) {
            expect(problem).toBe("expired");
            expect(token).toBe(before);
          } else if (nowMs - before.renewedAtMs >= TOKEN_RENEW_MS) {
            expect(token).toMatchObject({ renewedAtMs: nowMs, expiresAtMs: nowMs + TOKEN_TTL_MS });
          } else expect(token).toBe(before);
          expect(token.expiresAtMs).toBeGreaterThanOrEqual(before.expiresAtMs ?? 0);
        }
      }),
    );
  });

  test("a use renews it from just 30 minutes on", () => {
    expect(renewToken(TOKEN, START_MS + TOKEN_RENEW_MS - 1)).toBe(TOKEN);
    const renewed = renewToken(TOKEN, START_MS + TOKEN_RENEW_MS);
    expect(renewed.expiresAtMs).toBe(START_MS + TOKEN_RENEW_MS + TOKEN_TTL_MS);
  });

  test("two uses at once renew it to the same", () => {
    fc.assert(
      fc.property(fc.nat(2 * TOKEN_TTL_MS), (ms) => {
        const nowMs = START_MS + ms;
        const once = renewToken(TOKEN, nowMs);
        expect(renewToken(TOKEN, nowMs)).toEqual(once);
        expect(renewToken(once, nowMs)).toBe(once);
      }),
    );
  });

  test("uses that arrive in either order leave the later end or the earlier, never a shorter life", () => {
    const moment = fc.integer({ min: 0, max: TOKEN_TTL_MS - 1 });
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const first = renewToken(renewToken(TOKEN, START_MS + a), START_MS + b);
        const second = renewToken(renewToken(TOKEN, START_MS + b), START_MS + a);
        for (const { expiresAtMs } of [first, second]) {
          expect(expiresAtMs).toBeGreaterThanOrEqual(TOKEN.expiresAtMs ?? 0);
          expect(expiresAtMs).toBeLessThanOrEqual(START_MS + Math.max(a, b) + TOKEN_TTL_MS);
        }
      }),
    );
  });

  test("the end of an enrolment ends what was minted from it; that of an access token does not", () => {
    const given = { hash: "c", agent: null, scope: ALL, expiresAtMs: START_MS + 1000 };
    const credential = enrol(given, START_MS);
    const token = mintToken(credential, { hash: "t", agent: "ada", scope: ALL }, START_MS);
    expect(tokenProblem(token, [credential], START_MS + 999, CALL)).toBeUndefined();
    expect(tokenProblem(token, [credential], START_MS + 1000, CALL)).toBe("enrolment_expired");
    const laterMs = START_MS + TOKEN_TTL_MS;
    const child = mintToken(TOKEN, { hash: "k", agent: "ada", scope: ALL }, laterMs - 1);
    expect(tokenProblem(child, [TOKEN, CREDENTIAL], laterMs, CALL)).toBeUndefined();
    expect(renewToken(credential, START_MS + 10 ** 9)).toBe(credential);
  });
});

/** A line of tokens, each minted from the one before; the youngest, and those it comes from. */
function lineOf([first = ALL, ...others]: readonly TokenScope[]): {
  readonly token: Token;
  readonly ancestors: readonly Token[];
} {
  let token = enrol({ hash: "0", agent: null, scope: first, expiresAtMs: null }, START_MS);
  const ancestors: Token[] = [];
  for (const [index, scope] of [...others, ALL].entries()) {
    ancestors.unshift(token);
    token = mintToken(token, { hash: `${index + 1}`, agent: "ada", scope }, START_MS);
  }
  return { token, ancestors };
}

describe("scope", () => {
  const names = ["request_task", "report_progress", "vote", "submit_plan"] as const;
  const anyScope: fc.Arbitrary<TokenScope> = fc.record({
    tools: fc.subarray(["*", "request_*", "re*", "vote", "submit_plan"]),
    project: fc.constantFrom(null, "p1", "p2"),
    tier: fc.constantFrom(...TIERS),
  });
  const lines = fc.array(anyScope, { minLength: 1, maxLength: 5, size: "max" });

  test("never grows: what one up the line forbids is forbidden", () => {
    fc.assert(
      fc.property(
        lines,
        fc.constantFrom(...names),
        fc.constantFrom("p1", "p2"),
        (all, tool, project) => {
          const { token, ancestors } = lineOf(all);
          const problem = tokenProblem(token, ancestors, START_MS, { tool, project });
          const allows = ({ tools }: TokenScope): boolean =>
            tools.includes("*") ||
            tools.includes(tool) ||
            (tools.includes("request_*") && tool === "request_task") ||
            (tools.includes("re*") && tool.startsWith("re"));
          const pinned = all.find((each) => each.project !== null)?.project;
          if (pinned !== undefined && pinned !== project) expect(problem).toBe("wrong_project");
          else
            expect(problem).toBe(
              all.every((each) => allows(each)) ? undefined : "tool_not_allowed",
            );
          const ranks = all.map(({ tier }) => TIERS.indexOf(tier));
          expect(TIERS.indexOf(token.scope.tier)).toBe(Math.min(...ranks));
        },
      ),
    );
  });

  test("with no tools allows none", () => {
    const none = { ...ALL, tools: [] };
    const token = mintToken(CREDENTIAL, { hash: "t", agent: "ada", scope: none }, START_MS);
    expect(tokenProblem(token, [CREDENTIAL], START_MS, CALL)).toBe("tool_not_allowed");
  });

  test("with a glob that cannot be read is refused when it is issued", () => {
    const scope = { ...ALL, tools: ["[a"] };
    const given = { hash: "x", agent: null, scope, expiresAtMs: null };
    expect(() => enrol(given, START_MS)).toThrow(
      expect.objectContaining({ code: "input_invalid" }),
    );
    expect(() => mintToken(CREDENTIAL, given, START_MS)).toThrow("[a");
  });
});

describe("the line it comes from", () => {
  test("must be given whole and in order, or the token is refused", () => {
    fc.assert(
      fc.property(families, fc.nat(), (family, which) => {
        const { token, ancestors } = family[1 + (which % (family.length - 1))] ?? { ancestors: [] };
        if (token === undefined) return;
        expect(tokenProblem(token, ancestors, START_MS, CALL)).toBeUndefined();
        expect(tokenProblem(token, ancestors.slice(0, -1), START_MS, CALL)).toBe("parent_unknown");
        expect(tokenProblem(token, ancestors.slice(1), START_MS, CALL)).toBe("parent_unknown");
        const tooMany = [...ancestors, CREDENTIAL];
        expect(tokenProblem(token, tooMany, START_MS, CALL)).toBe("parent_unknown");
      }),
    );
  });
});

describe("minting", () => {
  const wanted = { agent: "ada", project: "p1" };

  test("is what an enrolment is for, and all it is for", () => {
    expect(mintProblem(CREDENTIAL, [], START_MS, wanted)).toBeUndefined();
    expect(tokenProblem(CREDENTIAL, [], START_MS, CALL)).toBe("wrong_kind");
  });

  test("is for any agent without an agent of one's own, else for that one only", () => {
    const bound = enrol({ hash: "c", agent: "ada", scope: ALL, expiresAtMs: null }, START_MS);
    expect(mintProblem(bound, [], START_MS, wanted)).toBeUndefined();
    expect(mintProblem(bound, [], START_MS, { ...wanted, agent: "bob" })).toBe("wrong_agent");
    expect(mintProblem(TOKEN, [CREDENTIAL], START_MS, { ...wanted, agent: "bob" })).toBe(
      "wrong_agent",
    );
  });

  test("is refused where the one it would come from is revoked, over, or of another project", () => {
    const revoked = revokeToken(CREDENTIAL, "lost", START_MS);
    expect(mintProblem(revoked, [], START_MS, wanted)).toBe("revoked");
    expect(mintProblem(TOKEN, [revoked], START_MS, wanted)).toBe("parent_revoked");
    expect(mintProblem(TOKEN, [CREDENTIAL], START_MS + TOKEN_TTL_MS, wanted)).toBe("expired");
    const scope = { ...ALL, project: "p2" };
    const elsewhere = enrol({ hash: "c", agent: null, scope, expiresAtMs: null }, START_MS);
    expect(mintProblem(elsewhere, [], START_MS, wanted)).toBe("wrong_project");
    const pinned = mintToken(CREDENTIAL, { hash: "t", agent: "ada", scope }, START_MS);
    expect(mintProblem(pinned, [CREDENTIAL], START_MS, wanted)).toBe("wrong_project");
    expect(mintProblem(elsewhere, [], START_MS, { ...wanted, project: null })).toBe(
      "wrong_project",
    );
  });
});

test("a token is plain JSON", () => {
  expect(JSON.parse(JSON.stringify(TOKEN))).toEqual(TOKEN);
});
