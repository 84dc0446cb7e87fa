import { createHash } from "node:crypto";

import { afterEach, describe, expect, test } from "vitest";

import { commitInput } from "../../src/core/audit-chain.ts";
import { canonicalJson, toJson } from "../../src/core/canonical-json.ts";
import { approvalOperations } from "../../src/engine/person/approval-operations.ts";
import { auditOperations } from "../../src/engine/person/audit-operations.ts";
import { boardOperations } from "../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../src/engine/person/escalation-operations.ts";
import { policyOperations } from "../../src/engine/person/policy-operations.ts";
import { createResourceReader } from "../../src/engine/resource-reader.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { createFleet, type Fleet } from "../support/engine-harness.ts";

const OPERATIONS = [
  ...TOOLS,
  ...approvalOperations,
  ...auditOperations,
  ...boardOperations,
  ...escalationOperations,
  ...policyOperations,
];
const ALL = ["ada", "bob", "cyd", "dan", "eve"];
const SETTINGS = `version: 1
roles: { security: [cyd] }
policy:
  rules:
    - { id: look, on: [vote], effect: warn, severity: low, reason: Votes are looked at. }
    - { id: ask, on: [vote], when: 'agent.name == "dan"', effect: require_approval, reason: A person sees it. }
`;

interface Ballot {
  readonly ballot?: readonly string[];
  readonly abstain?: boolean;
  readonly veto?: readonly string[];
  readonly reason: string;
}

type Ballots = Readonly<Record<"ada" | "bob" | "cyd" | "dan", Ballot>>;

/** Two elections that differ in all that a ballot can say, its length included. */
const WORLDS: readonly Ballots[] = [
  {
    ada: { ballot: ["S1", "S2", "S3"], reason: "It is mine." },
    bob: { ballot: ["S1"], reason: "I like it." },
    cyd: { ballot: ["S1"], veto: ["S2", "S3"], reason: "Others are not safe." },
    dan: { ballot: [], reason: "None of them." },
  },
  {
    ada: { abstain: true, reason: "I would rather not say, as I do not know enough of it." },
    bob: { ballot: ["S3", "S2"], reason: "No." },
    cyd: { abstain: true, ballot: [], reason: "-" },
    dan: { ballot: ["S2", "S1", "S3"], reason: "In this order." },
  },
];

/** Where the chain and its nonces show, which differ for every byte of input. */
const HASHES = new Set(["hash", "head_hash", "input_commitment", "commitment"]);

/** Everything that somebody could see on the way, in order. */
interface Observed {
  readonly seen: unknown[];
  /** Hashes that were left out of it. */
  readonly hashes: Set<string>;
}

let fleet: Fleet | undefined;

afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
});

/** Plays one election up to the last ballot but one; what is done does not depend on what is voted. */
async function play(ballots: Ballots): Promise<{ fleet: Fleet; observed: Observed }> {
  const observed: Observed = { seen: [], hashes: new Set() };
  const write = (fields: object, message: string): void => note(observed, ["log", message, fields]);
  const log = { info: write, warn: write, error: write };
  const played = await createFleet({ operations: OPERATIONS, guvnorYaml: SETTINGS, seed: 3, log });
  fleet = played;
  const ask = async (who: string, operation: string, args: object = {}): Promise<void> =>
    note(observed, [who, operation, await played.call(who, operation, args)]);
  for (const name of ALL) await ask(name, "register_agent", { model: `model of ${name}` });
  await ask("ada", "open_topic", {
    title: "Which?",
    problem: "One of three.",
    options: ["x", "y", "z"],
    veto: ["security"],
  });
  const watching = watch(played, observed);
  const waiting = played.call("eve", "read_board", { wait_seconds: 1 });
  for (const [name, ballot] of Object.entries(ballots)) {
    const cast = { topic_id: "B1", ...ballot };
    // A slip first, with the same ballot; then the ballot; then another one, and the same again.
    await ask(name, "vote", { ...cast, topic_id: "b1" });
    await ask(name, "check_policy", { tool: "vote", input: cast });
    await ask(name, "vote", { ...cast, request_id: "once" });
    if (name === "dan") {
      note(observed, await played.asPerson("approvals_show", { approval_id: "A1" }));
      note(observed, await played.asPerson("approvals_grant", { approval_id: "A1" }));
      await ask(name, "vote", { ...cast, request_id: "once" });
    }
    await ask(name, "vote", { ...cast, request_id: "once" });
    await ask(name, "vote", { topic_id: "B1", ballot: ["S2"], reason: "Once more." });
    await ask(name, "vote", { topic_id: "B1", ballot: ["S1", "S3"], reason: "And again." });
    await played.advance(1000);
    for (const each of ALL) await observe(played, observed, each);
  }
  note(observed, await waiting);
  watching.stop();
  await observePeople(played, observed);
  return { fleet: played, observed };
}

async function observe(played: Fleet, observed: Observed, agent: string): Promise<void> {
  for (const [operation, args] of [
    ["read_board", {}],
    ["read_board", { topic_id: "B1" }],
    ["read_board", { solution_id: "S1" }],
    ["read_board", { topic_id: "B1", wait_seconds: 0 }],
    ["get_status", { scope: "me" }],
    ["get_status", { scope: "project" }],
    ["get_status", { scope: "agents" }],
    ["board_recompute", { topic_id: "B1" }],
  ] as const) {
    note(observed, await played.call(agent, operation, args));
  }
  note(observed, await played.inbox(agent));
  const resources = createResourceReader(
    async () => await Promise.resolve({ deps: played.deps(agent) }),
  );
  for (const uri of ["project", "policy", "audit/head", "topic/B1"]) {
    note(observed, await resources.read(`guvnor://${uri}`));
  }
}

/** Each change that a client who watches is told of. */
function watch(played: Fleet, observed: Observed): { stop: () => void } {
  const resources = createResourceReader(
    async () => await Promise.resolve({ deps: played.deps("eve") }),
  );
  let told = 0;
  const stop = resources.watch("guvnor://topic/B1", () => (told += 1));
  return {
    stop: () => {
      stop();
      note(observed, ["told", told]);
    },
  };
}

async function observePeople(played: Fleet, observed: Observed): Promise<void> {
  const rules = `${SETTINGS}    - { id: no, on: [vote], effect: deny, reason: No. }\n`;
  for (const [operation, args] of [
    ["board_show", { topic_id: "B1" }],
    ["board_list", {}],
    ["board_recompute", { topic_id: "B1" }],
    ["approvals_list", {}],
    ["approvals_show", { approval_id: "A1" }],
    ["escalations_list", {}],
    ["policy_replay", { source: rules, file: "guvnor.yaml" }],
    ["audit_export", { format: "jsonl" }],
  ] as const) {
    note(observed, [operation, await played.asPerson(operation, args)]);
  }
  await played.read(async (tx) => {
    for (const { body } of await tx.audit.list(1, 10_000)) note(observed, JSON.parse(body));
    note(observed, await tx.outbox.list(0, 1000));
    note(observed, await tx.violations.list(undefined, 1000));
  });
  const ledger = await played.ledger();
  for (const { seq, action } of ledger) {
    if (action !== "vote" && action !== "check_policy") continue;
    note(observed, await played.asPerson("audit_payload", { seq }));
  }
}

/** Keeps what was seen, but for hashes of what nobody shall guess. */
function note({ seen, hashes }: Observed, value: unknown): void {
  const text = JSON.stringify(value, (name, part: unknown) => {
    if (!HASHES.has(name) || typeof part !== "string") return part;
    hashes.add(part);
    return "(hash)";
  });
  seen.push(text === undefined ? null : JSON.parse(text));
}

describe("until the vote is closed", () => {
  test("everything that anybody can see is the same, whatever is on the ballots", async () => {
    const seen: (readonly unknown[])[] = [];
    for (const ballots of WORLDS) {
      const { fleet: played, observed } = await play(ballots);
      seen.push(observed.seen);
      const topic = await played.read(async (tx) => await tx.topics.get("B1"));
      const stored = await played.read(async (tx) => await tx.ballots.ofTopic("B1", 1));
      expect(topic).toMatchObject({ state: "voting", round: 1, decision: null });
      // The ballots themselves do differ.
      expect(stored.map(({ voter, ranking }) => ({ voter, ranking }))).toEqual(
        Object.entries(ballots).map(([voter, { ballot = [] }]) => ({ voter, ranking: ballot })),
      );
      await played.close();
      fleet = undefined;
    }
    const [one = [], two = []] = seen;
    expect(one.length).toBeGreaterThan(300);
    expect(two.length).toBe(one.length);
    for (const [index, what] of one.entries()) expect(two[index]).toEqual(what);
    const text = JSON.stringify(one);
    expect(text).toContain('"cast":4');
    for (const { reason } of Object.values(WORLDS[0] ?? {})) expect(text).not.toContain(reason);
  });

  test("no hash that can be seen or exported is that of a guessed ballot", async () => {
    const [ballots] = WORLDS;
    if (ballots === undefined) throw new Error("no ballots");
    const { fleet: played, observed } = await play(ballots);
    const rows = await played.read(async (tx) => await tx.audit.list(1, 10_000));
    const requests = await played.read(
      async (tx) =>
        await Promise.all(
          Object.keys(ballots).map(async (name) => await tx.requests.get(name, "once")),
        ),
    );
    const exported = JSON.stringify([observed.seen, [...observed.hashes], rows]);
    const known = new Set([exported, JSON.stringify(requests)].join().match(/[0-9a-f]{64}/g));
    // What is public and might have been taken for a salt: ids of calls, other hashes.
    const salts = new Set(["", ...(exported.match(/\b(?:[0-9a-f]{32}|[0-9a-f]{64})\b/g) ?? [])]);
    for (const [name, ballot] of Object.entries(ballots)) {
      for (const guess of guessesOf(ballot, name)) {
        expect(digestsOf(guess, salts).filter((digest) => known.has(digest))).toEqual([]);
      }
    }
    // And the guesses are good: one that knows the nonce finds the ballot.
    const nonces = await played.read(
      async (tx) => await Promise.all(rows.map(async ({ seq }) => await tx.audit.payload(seq))),
    );
    const found = guessesOf(ballots.ada, "ada").flatMap((guess) =>
      nonces.flatMap((payload) =>
        payload !== undefined && known.has(commitInput(payload.nonce, guess)) ? [guess] : [],
      ),
    );
    expect(found.length).toBeGreaterThan(0);
  });
});

test.each([
  "input.ballot.size() > 0",
  "input.abstain",
  'input.reason == "x"',
  "input.veto.size() > 0",
])("no rule can look at what is on a ballot: %s", async (when) => {
  const rule = `{ id: peek, on: [vote], when: '${when}', effect: deny, reason: No. }`;
  const guvnorYaml = `version: 1\npolicy: { rules: [${rule}] }\n`;
  await expect(createFleet({ operations: OPERATIONS, guvnorYaml })).rejects.toMatchObject({
    code: "config_invalid",
  });
});

/** The payloads that a call with this ballot may have had. */
function guessesOf(ballot: Ballot, voter: string): readonly string[] {
  const cast = { topic_id: "B1", ...ballot };
  const calls = [
    cast,
    { ...cast, request_id: "once" },
    { ...cast, topic_id: "b1" },
    { tool: "vote", input: cast },
    { tool: "vote", fields: cast },
    { ranking: ballot.ballot ?? [], abstain: ballot.abstain ?? false, voter },
    ballot.ballot ?? [],
  ];
  return calls.map((call) => canonicalJson(toJson(call)));
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function digestsOf(guess: string, salts: ReadonlySet<string>): readonly string[] {
  const plain = [...salts].flatMap((salt) =>
    [`${salt}${guess}`, `${salt}vote\n${guess}`, `${salt}.vote\n${guess}`, `${guess}${salt}`].map(
      sha256,
    ),
  );
  const commitments = [...salts].flatMap((salt) => (salt === "" ? [] : commitInput(salt, guess)));
  return [...plain, ...commitments];
}

async function start(): Promise<Fleet> {
  const played = await createFleet({ operations: OPERATIONS });
  fleet = played;
  for (const name of ["ada", "bob", "cyd"]) await played.ok(name, "read_board");
  await played.ok("ada", "open_topic", { title: "Which?", problem: "Tell us." });
  const secret = { topic_id: "B1", title: "Clever title", body: "Clever body", commit: "c1e7e4" };
  await played.ok("ada", "propose_solution", secret);
  return played;
}

describe("while solutions are taken", () => {
  test("each sees its own solution and of others only how many there are", async () => {
    const played = await start();
    await played.ok("bob", "propose_solution", { topic_id: "B1", title: "Bob's", body: "b" });
    expect(await played.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      topic: { state: "proposing", solutions: 2 },
      solutions: [{ id: "S2", title: "Bob's" }],
    });
    expect(await played.refusal("bob", "read_board", { solution_id: "S1" })).toBe("state_conflict");
    expect(await played.ok("ada", "read_board", { solution_id: "S1" })).toMatchObject({
      solutions: [{ title: "Clever title" }],
    });
    const resources = createResourceReader(
      async () => await Promise.resolve({ deps: played.deps("bob") }),
    );
    const seen = JSON.stringify([
      await played.ok("bob", "read_board", { topic_id: "B1" }),
      await played.ok("cyd", "read_board", { topic_id: "B1" }),
      await played.ok("cyd", "read_board"),
      await played.ok("bob", "get_status"),
      await played.ok("bob", "get_status", { scope: "project" }),
      await played.inbox("bob"),
      await resources.read("guvnor://topic/B1"),
      await resources.read("guvnor://project"),
      await played.ledger(),
    ]);
    expect(seen).not.toContain("Clever");
    expect(seen).not.toContain("c1e7e4");
  });

  test("people see them all, and once voting is open everybody does and the ledger says it", async () => {
    const played = await start();
    const shown = { solutions: [{ id: "S1", title: "Clever title", body: "Clever body" }] };
    const asPerson = await played.asPerson("board_show", { topic_id: "B1" });
    expect(asPerson.body).toMatchObject(shown);
    for (const name of ["bob", "cyd"]) {
      await played.ok(name, "propose_solution", { topic_id: "B1", pass: true });
    }
    expect(await played.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject(shown);
    expect(await played.ok("bob", "read_board", { solution_id: "S1" })).toMatchObject(shown);
    const effects = (await played.ledger()).flatMap((entry) => entry.effects);
    expect(effects.find(({ event }) => event === "voting_opened")).toMatchObject({
      method: "majority",
      on_ballot: ["S1"],
      solutions: [{ id: "S1", title: "Clever title", commit: "c1e7e4" }],
    });
  });

  test("a person who decides meanwhile opens them to all", async () => {
    const played = await start();
    await played.asPerson("board_decide", { topic_id: "B1", solution_id: "S1", reason: "Yes." });
    expect(await played.ok("bob", "read_board", { topic_id: "B1" })).toMatchObject({
      solutions: [{ title: "Clever title" }],
    });
  });

  test("a client's resource has an order of its own while the vote is on", async () => {
    const played = await start();
    await played.ok("ada", "open_topic", {
      title: "t",
      problem: "p",
      options: ["1", "2", "3", "4", "5", "6", "7"],
    });
    const orders = await Promise.all(
      ["ada", "bob", "cyd", "dan"].map(async (name) => {
        const resources = createResourceReader(
          async () => await Promise.resolve({ deps: played.deps(name) }),
        );
        const { solutions } = await resources.read("guvnor://topic/B2");
        return JSON.stringify((solutions as { id: string }[]).map(({ id }) => id));
      }),
    );
    expect(new Set(orders).size).toBe(4);
  });
});
