import { afterEach, expect, test } from "vitest";

import type { JsonObject } from "../../src/engine/call.ts";
import { messageOperations } from "../../src/engine/person/message-operations.ts";
import { policyOperations } from "../../src/engine/person/policy-operations.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { bodyOf, createFleet, type Fleet } from "../support/engine-harness.ts";

let fleet: Fleet;

afterEach(async () => {
  await fleet.close();
});

function settings(rules: string, profile = "open"): string {
  return `version: 1\nprofile: ${profile}\npolicy:\n  rules:\n${rules}`;
}

const SECRET = `    - id: secret
      on: [read_messages]
      when: input.channel == "#secret" && agent.name != "ada"
      effect: deny
      reason: Only ada reads it.
`;

async function start(guvnorYaml: string): Promise<void> {
  fleet = await createFleet({
    operations: [...TOOLS, ...policyOperations, ...messageOperations],
    guvnorYaml,
  });
  for (const name of ["ada", "ben", "cleo"]) await fleet.ok(name, "register_agent");
}

async function read(agent: string, args: object = {}): Promise<unknown> {
  const { messages } = await fleet.ok(agent, "read_messages", args);
  return (messages as JsonObject[]).map(({ id }) => id);
}

test("a rule sees what is sent, and where", async () => {
  await start(
    settings(`    - id: calm
      on: [send_message]
      when: input.to == "#all" && size(input.body) > 10
      effect: deny
      reason: Short words only.
`),
  );
  const long = { to: "#all", body: "a long word to all" };
  const refused = await fleet.call("ada", "send_message", long);
  expect(refused.body).toMatchObject({ code: "policy_denied", details: { rule: "calm" } });
  await fleet.ok("ada", "send_message", { ...long, to: "ben" });
  await fleet.ok("ada", "send_message", { to: "#all", body: "short" });
  expect(await read("ben")).toEqual(["M1", "M2"]);
});

test("a channel that a rule closes to an agent is not read, joined, heard or looked up by it", async () => {
  await start(settings(SECRET));
  await fleet.ok("ada", "read_messages", { channel: "#secret" });
  expect(await fleet.refusal("ben", "read_messages", { channel: "#secret" })).toBe("policy_denied");
  // It may speak there, and hears nothing for that.
  expect(await fleet.ok("ben", "send_message", { to: "#secret", body: "psst" })).toMatchObject({
    message_id: "M1",
    delivered_to: ["ada"],
  });
  await fleet.ok("ada", "send_message", { to: "#secret", body: "the secret" });
  expect(await read("ben")).toEqual([]);
  expect(await fleet.refusal("ben", "read_messages", { message_id: "M2" })).toBe(
    "message_not_found",
  );
  expect(JSON.stringify(await fleet.ok("ben", "get_status"))).not.toContain("the secret");
});

test("a person's word is closed off in a channel alone", async () => {
  await start(
    settings(`${SECRET}    - id: deaf
      on: [read_messages]
      when: agent.name == "cleo"
      effect: deny
      reason: cleo works alone.
`),
  );
  for (const agent of ["ada", "ben"]) {
    await fleet.write(async ({ tx }) => await tx.members.add("#secret", agent, 0));
  }
  const heard = async (to: string): Promise<unknown> =>
    bodyOf(await fleet.asPerson("say", { to, text: `to ${to}` }))["delivered_to"];
  expect(await heard("#secret")).toEqual(["ada"]);
  expect(await heard("#all")).toEqual(["ada", "ben", "cleo"]);
  expect(await heard("cleo")).toEqual(["cleo"]);
  const { messages } = await fleet.ok("cleo", "get_status");
  expect(messages).toMatchObject([{ text: "to #all" }, { text: "to cleo" }]);
});

test("a member that may not read is left out, and the sender is told", async () => {
  await start(
    settings(`    - id: deaf
      on: [read_messages]
      when: agent.name == "ben" && input.channel in ["#all", "ada"]
      effect: deny
      reason: ben works alone.
`),
  );
  expect(await fleet.ok("ada", "send_message", { to: "#all", body: "x" })).toMatchObject({
    delivered_to: ["cleo"],
    denied: ["ben"],
  });
  expect(await fleet.refusal("ada", "send_message", { to: "ben", body: "x" })).toBe(
    "policy_denied",
  );
  expect(await fleet.ok("cleo", "send_message", { to: "ben", body: "x" })).toMatchObject({
    delivered_to: ["ben"],
  });
  // A person is heard by all.
  expect(bodyOf(await fleet.asPerson("say", { to: "#all", text: "x" }))).toMatchObject({
    delivered_to: ["ada", "ben", "cleo"],
  });
});

test("what was delivered before a rule closed the channel waits, unseen, until it is open again", async () => {
  await start(settings("    []\n"));
  await fleet.ok("ben", "read_messages", { channel: "#secret" });
  await fleet.ok("ada", "send_message", { to: "#secret", body: "the secret" });
  await fleet.ok("ada", "send_message", { to: "ben", body: "hello" });
  const apply = async (rules: string): Promise<void> => {
    const source = settings(rules);
    bodyOf(await fleet.asPerson("policy_apply", { source, file: "guvnor.yaml" }));
  };
  await apply(SECRET);
  const seen = await fleet.ok("ben", "read_board");
  expect(seen).toMatchObject({ inbox: { counts: { message: 1 }, first: { id: "M2" } } });
  expect(JSON.stringify(await fleet.ok("ben", "get_status"))).not.toContain("the secret");
  expect(await read("ben")).toEqual(["M2"]);
  expect(await read("ben", { after: "M2" })).toEqual([]);
  await apply("    []\n");
  expect(await read("ben")).toEqual(["M1"]);
});

test("many messages of a closed channel do not hide those that may be read", async () => {
  await start(settings("    []\n"));
  await fleet.ok("ben", "read_messages", { channel: "#secret" });
  for (let count = 0; count < 50; count += 1) {
    await fleet.ok("ada", "send_message", { to: "#secret", body: "x" });
  }
  await fleet.ok("ada", "send_message", { to: "ben", body: "hello" });
  const source = settings(SECRET);
  bodyOf(await fleet.asPerson("policy_apply", { source, file: "guvnor.yaml" }));
  expect(await read("ben")).toEqual(["M51"]);
});

test("a channel that needs an approval is read by who got one, and by nobody else", async () => {
  await start(
    settings(`    - id: ask-first
      on: [read_messages]
      when: input.channel == "#board"
      effect: require_approval
      reason: A person says who reads it.
`),
  );
  expect(await fleet.refusal("ben", "read_messages", { channel: "#board" })).toBe(
    "approval_required",
  );
  expect(await fleet.ok("ada", "send_message", { to: "#board", body: "x" })).not.toHaveProperty(
    "delivered_to",
  );
});

test.each([
  ["standard", 60],
  ["strict", 20],
])("the profile %s lets an agent send %i messages a minute", async (profile, max) => {
  await start(`version: 1\nprofile: ${profile}\ntiers: { start: T2 }\n`);
  for (let count = 0; count < max; count += 1) {
    await fleet.ok("ada", "send_message", { to: "ben", body: `${count}` });
  }
  const refused = await fleet.call("ada", "send_message", { to: "ben", body: "one more" });
  expect(refused.body).toMatchObject({ code: "limited", details: { limit: "messages" } });
  // It may do all else, and others may speak.
  await fleet.ok("ada", "read_messages");
  await fleet.ok("ben", "send_message", { to: "ada", body: "calm down" });
  await fleet.advance(70_000);
  await fleet.ok("ada", "send_message", { to: "ben", body: "later" });
});

test("an agent that may only read hears, and says nothing", async () => {
  await start("version: 1\nprofile: strict\n");
  bodyOf(await fleet.asPerson("say", { to: "#all", text: "welcome" }));
  expect(await read("ada")).toEqual(["M1"]);
  expect(await fleet.refusal("ada", "send_message", { to: "ben", body: "x" })).toBe(
    "policy_denied",
  );
});
