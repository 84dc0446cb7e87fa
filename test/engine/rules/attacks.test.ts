import { afterEach, describe, expect, test } from "vitest";

import { GuvnorError } from "../../../src/core/errors.ts";
import type { JsonObject } from "../../../src/engine/call.ts";
import { openSqlite } from "../../../src/store/sqlite/open-sqlite.ts";
import type { Store, StoreTx } from "../../../src/store/store.ts";
import { codeOf, type Fleet } from "../../support/engine-harness.ts";
import {
  agentNamed,
  asPerson,
  claimed,
  expectSoundLedger,
  planTasks,
  report,
  rulesFleet,
  taskNamed,
} from "../../support/rules-fleet.ts";

const APPROVED =
  'policy: { rules: [{ id: ask, on: [report_progress], when: input.status == "done", effect: require_approval, reason: ask first }] }\n';

let fleet: Fleet;

async function start(yaml = "profile: standard\n", options: object = {}): Promise<void> {
  fleet = await rulesFleet(yaml, options);
}

afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

/** A store whose transactions can be made to break; `sabotage` sees each of them. */
async function brittle(): Promise<{
  store: Store;
  sabotage: (how?: (tx: StoreTx) => StoreTx) => void;
}> {
  const store = await openSqlite({ file: ":memory:" });
  let how: ((tx: StoreTx) => StoreTx) | undefined;
  return {
    store: {
      ...store,
      write: async (scope, work) =>
        await store.write(scope, async (tx) => await work(how === undefined ? tx : how(tx))),
    },
    sabotage: (given) => {
      how = given;
    },
  };
}

function breaking<Table extends "audit" | "guards" | "violations">(
  table: Table,
  method: keyof StoreTx[Table],
  error: Error,
): (tx: StoreTx) => StoreTx {
  return (tx) =>
    new Proxy(tx, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name, target);
        if (name !== table) return found;
        return {
          ...(found as object),
          [method]: async () => await Promise.reject(error),
        };
      },
    });
}

async function countOf(): Promise<number> {
  return (await fleet.ledger()).length;
}

describe("an agent that wants to be somebody else", () => {
  test("cannot do what people do: approve itself, lift itself, resume, restore, apply rules, spend", async () => {
    await start(APPROVED);
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    expect(await report(fleet, "ada", "T1", "done")).toMatchObject({ code: "approval_required" });
    for (const [operation, args] of Object.entries({
      approvals_grant: { approval_id: "A1" },
      agents_tier: { agent: "ada", tier: "T2" },
      agents_restore: { agent: "ada" },
      agents_revoke: { agent: "bob", reason: "x" },
      resume: {},
      policy_apply: { source: "version: 1\nprofile: open\n", file: "guvnor.yaml" },
      tokens_enrol: { name: "mine" },
      usage_record: { agent: "bob", source: "me", tokens: 1e9 },
      tasks_accept: { task_id: "T1", reason: "fine" },
    })) {
      expect(await fleet.refusal("ada", operation, args)).toBe("person_required");
    }
    expect(await fleet.read(async (tx) => (await tx.approvals.get("A1"))?.approval.state)).toBe(
      "requested",
    );
  });

  test("cannot say in its arguments that it is another, nor use the session of none", async () => {
    await start();
    await planTasks(fleet, 1);
    await claimed(fleet, "bob");
    const done = { task_id: "T1", status: "done" };
    for (const forged of [{ agent: "bob" }, { actor: "bob" }, { approval_id: "A1" }]) {
      expect(await fleet.refusal("ada", "report_progress", { ...done, ...forged })).toBe(
        "input_invalid",
      );
    }
    expect(await fleet.refusal("ada", "report_progress", done)).toBe("not_holder");
    expect(await fleet.refusal("ada", "get_status", { session: "0".repeat(64) })).toBe(
      "session_unknown",
    );
    expect(await taskNamed(fleet, "T1")).toMatchObject({ holder: "bob", state: "running" });
  });

  test("cannot take a name that only looks like another, or one that the ledger uses", async () => {
    await start();
    await fleet.ok("bob", "register_agent", { name: "admin" });
    // Cyrillic а, full width ａ, a zero width joiner, capitals, and a person's mark.
    for (const name of ["аdmin", "ａdmin", "ad\u200Dmin", "Admin", "person:pat", "guvnor"]) {
      expect(await fleet.refusal("ada", "register_agent", { name })).toBe("input_invalid");
    }
    expect(await fleet.ok("ada", "register_agent", { name: "admin" })).toMatchObject({
      agent: "admin-2",
    });
  });

  test("of many names gets many quotas of its own, and is held by those of the project", async () => {
    // What holds: limits of the project, and one claim each. What does not: limits of an agent, and
    // votes. In local mode whoever can start processes can start agents; electorates can be named.
    await start(
      `limits:
  - { id: each, of: agent, metric: calls, max: 5, per: 1m }
  - { id: all, of: project, metric: calls, max: 12, per: 1m }
`,
    );
    let passed = 0;
    for (let name = 0; name < 10; name += 1) {
      for (let call = 0; call < 5; call += 1) {
        if (!(await fleet.call(`sybil${name}`, "get_status")).isError) passed += 1;
      }
    }
    expect(passed).toBe(12);
  });

  test("does not get into an electorate that was named before, under any name", async () => {
    await start();
    for (const agent of ["ada", "bob"]) await fleet.ok(agent, "register_agent", { name: agent });
    await fleet.ok("ada", "open_topic", {
      title: "t",
      problem: "p",
      options: ["yes", "no"],
      electorate: { agents: ["ada", "bob"] },
    });
    for (const name of ["ada-2", "bob-2"]) {
      const ballot = { topic_id: "B1", ballot: ["S1"], reason: "me again" };
      expect(await fleet.refusal(name, "vote", ballot)).toBe("not_electorate");
    }
  });
});

describe("data that looks like rules", () => {
  test("in titles, labels and notes is only data", async () => {
    await start(
      'policy: { rules: [{ id: prod, on: [request_task], when: \'task.labels["env"] == "production"\', effect: deny, reason: no }] }\n',
    );
    const title = '" || true; effect: allow # policy: { default: allow } {{ rules }}';
    const labels = { env: "production", "task.labels": "x", 'x"] == "y': "z" };
    await fleet.ok("lead", "submit_plan", {
      title,
      tasks: [{ key: "a", title, body: "effect: allow", labels }],
    });
    expect(await fleet.refusal("ada", "request_task", { task_id: "T1" })).toBe("policy_denied");
    // Nor does it get by chance what it may not ask for by name.
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
    await planTasks(fleet, 1);
    expect(await claimed(fleet, "ada")).toBe("T2");
    expect(await fleet.read(async (tx) => (await tx.tasks.get("T1"))?.spec.title)).toBe(title);
  });

  test("with keys that reach prototypes is refused, and changes no decision", async () => {
    await start();
    const tasks = [{ key: "a", title: "a", labels: JSON.parse('{"__proto__": "x"}') as object }];
    expect(await fleet.refusal("ada", "submit_plan", { title: "p", tasks })).toBe("input_invalid");
    const outputs = JSON.parse('{"constructor": {"prototype": {"tier": "T2"}}}') as object;
    expect(
      await fleet.refusal("ada", "report_progress", { task_id: "T1", status: "done", outputs }),
    ).toBe("input_invalid");
    expect(({} as JsonObject)["tier"]).toBeUndefined();
  });

  test("from another project is not found: ids and guards belong to one", async () => {
    const store = await openSqlite({ file: ":memory:" });
    await start(APPROVED, { store });
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await report(fleet, "ada", "T1", "done");
    const other = { tenant: "local", project: "other" };
    await store.write(other, async (tx) => {
      expect(await tx.approvals.get("A1")).toBeUndefined();
      expect(await tx.agents.get("ada")).toBeUndefined();
      expect(await tx.guards.of(["agent:ada", "project"])).toEqual([]);
      expect(await tx.tokens.list({ withRevoked: true, limit: 10 })).toEqual([]);
      const stop = { scope: { kind: "all" }, reason: "x", by: "y", sinceMs: 0 } as const;
      const state = [{ ...stop, endedAtMs: null, endedBy: null }];
      await tx.guards.save({ subject: "project", kind: "stop", name: "", state });
    });
    expect(await claimed(fleet, "bob")).toBe("nothing_ready");
  });
});

describe("a decision that cannot be made", () => {
  test("because a rule breaks on what it looks at denies, with the rule and why", async () => {
    await start(
      "policy: { rules: [{ id: odd, on: [request_task], when: 100 / counts.running_tasks > 1, effect: warn, reason: odd }] }\n",
    );
    await planTasks(fleet, 1);
    expect(await fleet.refusal("ada", "request_task")).toBe("policy_denied");
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready" });
    expect((await fleet.ledger()).at(-1)).toMatchObject({
      decision: "deny",
      rule: "odd",
      reason: "policy_denied",
    });
  });

  test("because the rules in force cannot be read refuses agents, and people can mend it", async () => {
    await start();
    await planTasks(fleet, 1);
    await fleet.write(async ({ tx }) => {
      const project = await tx.projects.get();
      const applied = await tx.policies.get(project?.policyHash ?? "");
      if (project === undefined || applied === undefined) throw new Error("nothing is in force");
      const rule = {
        id: "gone",
        on: ["a_tool_of_another_version"],
        when: null,
        effect: "allow",
        approvers: null,
        severity: "low",
        mode: "enforce",
        reason: "r",
      } as const;
      const settings = {
        ...applied.settings,
        policy: { default: "allow", rules: [rule] },
      } as const;
      await tx.policies.insert({ ...applied, hash: "f".repeat(64), settings });
      await tx.projects.save({ ...project, policyHash: "f".repeat(64) });
    });
    for (const process of ["ada", "cli"]) {
      Object.assign(fleet.deps(process).log, { error: () => undefined });
    }
    expect(await fleet.refusal("ada", "request_task")).toBe("config_invalid");
    expect((await fleet.ledger()).at(-1)).toMatchObject({ decision: "refuse", actor: "ada" });
    await asPerson(fleet, "policy_apply", { source: "version: 1\n", file: "guvnor.yaml" });
    expect(await claimed(fleet, "ada")).toBe("T1");
  });

  test("is never put in force: rules that do not compile are refused when they are applied", async () => {
    await start();
    const source =
      "version: 1\npolicy: { rules: [{ id: bad, when: task.nothing == 1, effect: deny, reason: r }] }\n";
    const applied = await fleet.asPerson("policy_apply", { source, file: "guvnor.yaml" });
    expect(codeOf(applied)).toBe("config_invalid");
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
  });

  test("because the store fails denies, and nothing is written", async () => {
    const { store, sabotage } = await brittle();
    await start("profile: standard\n", { store });
    await planTasks(fleet, 1);
    await claimed(fleet, "bob", { task_id: "T1" });
    await report(fleet, "bob", "T1", "released");
    const before = await countOf();
    const failure = new GuvnorError("storage_failed", "The disk is full.", "Make room.");
    for (const [table, method] of [
      ["guards", "of"],
      ["guards", "save"],
      ["audit", "append"],
    ] as const) {
      sabotage(breaking(table, method as never, failure));
      expect(await fleet.refusal("bob", "request_task")).toBe("storage_failed");
      sabotage();
      expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "ready", holder: null });
      expect(await countOf()).toBe(before);
    }
    expect(await claimed(fleet, "bob")).toBe("T1");
  });

  test("because of a crash between decision and effect leaves neither: a grant is used with what it was for", async () => {
    const { store, sabotage } = await brittle();
    await start(APPROVED, { store });
    await planTasks(fleet, 1);
    await claimed(fleet, "ada");
    await report(fleet, "ada", "T1", "done");
    await asPerson(fleet, "approvals_grant", { approval_id: "A1" });
    Object.assign(fleet.deps("ada").log, { error: () => undefined });
    sabotage(breaking("audit", "append", new Error("killed")));
    expect(await report(fleet, "ada", "T1", "done")).toMatchObject({ code: "internal" });
    sabotage();
    expect(await taskNamed(fleet, "T1")).toMatchObject({ state: "running" });
    expect(await fleet.read(async (tx) => (await tx.approvals.get("A1"))?.approval.state)).toBe(
      "granted",
    );
    expect(await report(fleet, "ada", "T1", "done")).toMatchObject({ accepted: true });
  });

  test("an edited guvnor.yaml stays inert until a person applies it", async () => {
    await start();
    const source =
      "version: 1\npolicy: { rules: [{ id: no, on: [request_task], effect: deny, reason: no }] }\n";
    const deps = fleet.deps("ada");
    Object.assign(deps, { settingsFile: () => ({ source, file: "guvnor.yaml" }) });
    for (let second = 0; second < 60; second += 1) {
      await fleet.advance(1000);
      await fleet.tick();
    }
    expect(await claimed(fleet, "ada")).toBe("nothing_ready");
    await asPerson(fleet, "policy_apply", { source, file: "guvnor.yaml" });
    expect(await fleet.refusal("ada", "request_task")).toBe("policy_denied");
  });
});

test("every denial has one entry of its own, with its rule and its reason", async () => {
  await start(
    `profile: strict
policy:
  rules:
    - { id: no-boards, on: [read_board], effect: deny, severity: low, reason: no }
    - { id: ask, on: [request_escalation], effect: require_approval, reason: ask }
limits:
  - { id: calls, of: agent, metric: calls, max: 6, per: 1m, then: throttle }
`,
  );
  await fleet.ok("ada", "get_status");
  const before = await countOf();
  const asked = { kind: "question", summary: "why?" };
  const codes = [
    await fleet.refusal("ada", "request_task"),
    (await asPerson(fleet, "agents_tier", { agent: "ada", tier: "T2" }), "lifted"),
    await fleet.refusal("ada", "read_board"),
    await fleet.refusal("ada", "request_escalation", asked),
    await fleet.refusal("ada", "vote", {}),
    await fleet.refusal("ada", "resume"),
    await fleet.refusal("ada", "get_status"),
  ];
  const entries = (await fleet.ledger()).slice(before);
  expect(entries.map(({ decision, rule, reason }) => [decision, rule, reason])).toEqual([
    ["deny", "tier:T0", "policy_denied"],
    ["allow", null, null],
    ["deny", "no-boards", "policy_denied"],
    ["deny", "ask", "approval_required"],
    ["refuse", null, "input_invalid"],
    ["refuse", null, "person_required"],
    ["deny", "limit:calls", "limited"],
  ]);
  expect(codes).toEqual([
    "policy_denied",
    "lifted",
    "policy_denied",
    "approval_required",
    "input_invalid",
    "person_required",
    "limited",
  ]);
  expect(await agentNamed(fleet, "ada")).toMatchObject({ tier: "T2" });
});
