import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  addressIn,
  channelOf,
  parseAddress,
  partnersOf,
  textOfAddress,
} from "../../src/core/channel.ts";
import { isAgentName } from "../../src/core/ids.ts";

const agentNames = fc
  .stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/)
  .filter((name) => isAgentName(name));

describe("an address", () => {
  test.each([
    ["ben", { kind: "agent", name: "ben" }],
    ["#all", { kind: "channel", name: "#all" }],
    [`#${"x".repeat(63)}`, { kind: "channel", name: `#${"x".repeat(63)}` }],
    ["T12", { kind: "task", id: "T12" }],
    ["B1", { kind: "topic", id: "B1" }],
    ["person:pat+kim", { kind: "person", name: "person:pat+kim" }],
  ])("%s is understood, and written the same again", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    const parsed = parseAddress(text);
    expect(parsed === undefined ? "" : textOfAddress(parsed)).toBe(text);
  });

  test.each([
    "",
    "#",
    "#All",
    "#a b",
    "##all",
    " ben",
    "Ben",
    "T0",
    "T01",
    "M9",
    "E2",
    "ada+ben",
    "person:",
    "guvnor",
    `#${"x".repeat(64)}`,
    "x".repeat(65),
    "#ａll",
  ])("%j is none", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe("a conversation", () => {
  test("is one channel, whoever of the two speaks, and each sees the other's name", () => {
    fc.assert(
      fc.property(agentNames, agentNames, (one, other) => {
        fc.pre(one !== other);
        const channel = channelOf({ kind: "agent", name: other }, one);
        expect(channelOf({ kind: "agent", name: one }, other)).toBe(channel);
        expect(addressIn(channel, one)).toBe(other);
        expect(addressIn(channel, other)).toBe(one);
        expect(partnersOf(channel)?.toSorted()).toEqual([one, other].toSorted());
      }),
    );
  });

  test("of an agent with a person is theirs alone, whatever the person is called", () => {
    fc.assert(
      fc.property(agentNames, fc.string({ minLength: 1 }), (agent, name) => {
        const person = `person:${name}`;
        const channel = channelOf({ kind: "agent", name: agent }, person);
        expect(channelOf({ kind: "person", name: person }, agent)).toBe(channel);
        expect(addressIn(channel, agent)).toBe(person);
        expect(partnersOf(channel)).toEqual([agent, person]);
      }),
    );
  });

  test.each(["#all", "T12", "B1"])("is not what is said in %s", (text) => {
    const address = parseAddress(text);
    if (address === undefined) throw new Error("not understood");
    expect(channelOf(address, "ada")).toBe(text);
    expect(addressIn(text, "ada")).toBe(text);
    expect(partnersOf(text)).toBeUndefined();
  });
});
