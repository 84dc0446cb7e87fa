import { describe, expect, test } from "vitest";

import type { Agent } from "../../src/core/agent.ts";
import { parseAddress } from "../../src/core/channel.ts";
import { recipientsOf, seenWith } from "../../src/core/delivery.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 100 * DAY_MS;

function agent(name: string, but: Partial<Agent> = {}): Agent {
  return {
    name,
    role: null,
    capabilities: [],
    model: null,
    tier: "T2",
    principal: "p",
    state: "idle",
    sessionHash: name,
    processId: "p",
    worktree: null,
    tokenHash: null,
    registeredAtMs: 0,
    lastSeenMs: NOW_MS,
    ...but,
  };
}

const AGENTS = [
  agent("ada", { role: "reviewer" }),
  agent("ben"),
  agent("cleo", { state: "offline", lastSeenMs: NOW_MS - 6 * DAY_MS }),
  agent("dora", { state: "revoked", role: "reviewer" }),
  agent("fay", { role: "Lead reviewer", state: "offline", lastSeenMs: NOW_MS - 8 * DAY_MS }),
  agent("gus", { role: "Lead reviewer" }),
  agent("emil", { state: "offline", lastSeenMs: NOW_MS - 7 * DAY_MS }),
];

describe("what was seen with a message", () => {
  test("is what was given with it or before, in its channel, or in all where all were read", () => {
    const last = { channel: "#a", in: 3, inAll: 5 };
    expect(seenWith(last, "#a")).toEqual({ channel: "#a", reading: 3 });
    expect(seenWith(last, undefined)).toEqual({ channel: undefined, reading: 5 });
    expect(seenWith({ ...last, inAll: null }, undefined)).toEqual({ channel: "#a", reading: 3 });
  });
});

function names(to: string, members: readonly string[] = [], from = "zoe"): readonly string[] {
  const address = parseAddress(to);
  if (address === undefined) throw new Error("not understood");
  const known = { address, from, members: new Set(members), agents: AGENTS, nowMs: NOW_MS };
  return recipientsOf(known).map(({ name }) => name);
}

describe("who gets what is said", () => {
  test("to one is that one, however long it was away, unless it is revoked", () => {
    expect(names("ben", ["ada"])).toEqual(["ben"]);
    expect(names("emil")).toEqual(["emil"]);
    expect(names("dora")).toEqual([]);
    expect(names("nobody")).toEqual([]);
  });

  test("to #all is everybody who was heard of in a week, but for the revoked", () => {
    expect(names("#all")).toEqual(["ada", "ben", "cleo", "gus"]);
  });

  test("to a role is whoever has it or has joined", () => {
    expect(names("#reviewer")).toEqual(["ada"]);
    expect(names("#reviewer", ["ben", "dora", "emil"])).toEqual(["ada", "ben"]);
    expect(names("#lead-reviewer")).toEqual(["gus"]);
    expect(names("#build")).toEqual([]);
    expect(names("#agent")).toEqual([]);
  });

  test("in a thread is whom it concerns", () => {
    expect(names("T1", ["ben", "person:pat", ""])).toEqual(["ben"]);
    expect(names("B1", ["ada", "cleo"])).toEqual(["ada", "cleo"]);
  });

  test("is never the one who says it", () => {
    expect(names("#all", [], "ada")).toEqual(["ben", "cleo", "gus"]);
    expect(names("T1", ["ada", "ben"], "ben")).toEqual(["ada"]);
    expect(names("ada", [], "ada")).toEqual([]);
  });
});
