import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  isOver,
  type Login,
  nextStep,
  refuseLogin,
  renewLogin,
  retryAfterMs,
  startLogin,
} from "../../src/core/login.ts";

const START_MS = 1_795_000_000_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const GIVEN = { hash: "h", name: "vault-r-1", principal: "vault:r", policies: [] };

function loginFor(leaseMs: number, isRenewable = true): Login {
  return startLogin(GIVEN, { ms: leaseMs, isRenewable }, START_MS);
}

const leases = fc.integer({ min: 2000, max: 24 * HOUR_MS });

/** What Vault gives: a whole number of seconds, at most up to the end that the role sets. */
function granted(maxMs: number, askedMs: number, atMs: number): number {
  return Math.floor(Math.min(askedMs, START_MS + maxMs - atMs) / 1000) * 1000;
}

describe("a login", () => {
  test("is good until its lease is over, counted from before it was asked for", () => {
    fc.assert(
      fc.property(leases, fc.nat(48 * HOUR_MS), (ms, laterMs) => {
        expect(isOver(loginFor(ms), START_MS + laterMs)).toBe(laterMs >= ms);
      }),
    );
  });

  test("is renewed at half of the lease or after half an hour, whichever is sooner", () => {
    const short = loginFor(20 * MINUTE_MS);
    expect(nextStep(short, START_MS + 10 * MINUTE_MS - 1)).toBe("look");
    expect(nextStep(short, START_MS + 10 * MINUTE_MS)).toBe("renew");
    const long = loginFor(8 * HOUR_MS);
    expect(nextStep(long, START_MS + 30 * MINUTE_MS - 1)).toBe("look");
    expect(nextStep(long, START_MS + 30 * MINUTE_MS)).toBe("renew");
  });

  test("that cannot be renewed is followed by another one while half of it is left", () => {
    const login = loginFor(8 * HOUR_MS, false);
    expect(nextStep(login, START_MS + 4 * HOUR_MS - 1)).toBe("look");
    expect(nextStep(login, START_MS + 4 * HOUR_MS)).toBe("log_in");
  });

  test("always has a step that leads on before it is over, and only a login after", () => {
    fc.assert(
      fc.property(leases, fc.boolean(), fc.nat(48 * HOUR_MS), (ms, isRenewable, laterMs) => {
        const step = nextStep(loginFor(ms, isRenewable), START_MS + laterMs);
        const atHalf = isRenewable ? ["renew"] : ["log_in"];
        const early = isRenewable ? ["look", "renew"] : ["look"];
        expect(laterMs >= ms ? ["log_in"] : laterMs * 2 >= ms ? atHalf : early).toContain(step);
      }),
    );
  });
});

describe("renewing", () => {
  test("goes on for ever where the end moves along, and never lets the lease run out", () => {
    fc.assert(
      fc.property(leases, fc.integer({ min: 1, max: 50 }), (periodMs, rounds) => {
        let login = loginFor(periodMs);
        let nowMs = START_MS;
        for (let round = 0; round < rounds; round += 1) {
          nowMs =
            login.renewedAtMs + Math.min((login.expiresAtMs - login.renewedAtMs) / 2, 1_800_000);
          expect(nextStep(login, nowMs)).toBe("renew");
          login = renewLogin(login, { ms: periodMs, isRenewable: true }, nowMs);
        }
        expect(login).toMatchObject({ isRenewable: true, state: "good" });
        expect(isOver(login, nowMs)).toBe(false);
      }),
    );
  });

  test("up to a fixed end is given up for another login while there is time", () => {
    const ends = fc.integer({ min: 10 * MINUTE_MS, max: 48 * HOUR_MS });
    fc.assert(
      fc.property(ends, fc.integer({ min: 2, max: 40 }), (maxMs, parts) => {
        let login = loginFor(Math.floor(maxMs / parts / 1000) * 1000);
        let nowMs = START_MS;
        for (let tick = 0; nextStep(login, nowMs) !== "log_in"; tick += 1) {
          expect(tick).toBeLessThan(100_000);
          if (nextStep(login, nowMs) === "renew") {
            const ms = granted(maxMs, 2 * HOUR_MS, nowMs);
            login = renewLogin(login, { ms, isRenewable: true }, nowMs);
          }
          nowMs += 5000;
        }
        expect(login.state).toBe("good");
        // A round of the process loop or more before nothing vouches.
        expect(login.expiresAtMs - nowMs).toBeGreaterThan(5000);
        expect(login.expiresAtMs).toBeLessThanOrEqual(START_MS + maxMs);
      }),
      { numRuns: 30 },
    );
  });

  test("follows the issuer's word where the end comes nearer", () => {
    const login = renewLogin(loginFor(HOUR_MS), { ms: 1000, isRenewable: true }, START_MS + 1000);
    expect(login).toMatchObject({ expiresAtMs: START_MS + 2000, isRenewable: false });
  });
});

describe("a token that the issuer does not know any more", () => {
  test("was revoked, or its time was over", () => {
    const login = loginFor(HOUR_MS);
    expect(refuseLogin(login, START_MS + HOUR_MS - 1001).state).toBe("revoked");
    expect(refuseLogin(login, START_MS + HOUR_MS - 1000).state).toBe("ended");
  });

  test("stays what it is, and nothing vouches by it", () => {
    fc.assert(
      fc.property(leases, fc.nat(48 * HOUR_MS), fc.nat(48 * HOUR_MS), (ms, firstMs, laterMs) => {
        const refused = refuseLogin(loginFor(ms), START_MS + firstMs);
        expect(isOver(refused, START_MS)).toBe(true);
        expect(refuseLogin(refused, START_MS + laterMs)).toBe(refused);
        expect(nextStep(refused, START_MS + laterMs)).toBe("log_in");
      }),
    );
  });
});

test("refused logins are repeated less and less often", () => {
  expect([1, 2, 3, 4, 5, 6, 60].map(retryAfterMs)).toEqual([
    30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000,
  ]);
});
