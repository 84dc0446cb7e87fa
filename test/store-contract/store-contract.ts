import { beforeEach, describe, expect, test } from "vitest";

import type { Agent, ProcessRow } from "../../src/core/agent.ts";
import { checkChain } from "../../src/core/audit-chain.ts";
import type { Solution, Topic } from "../../src/core/board.ts";
import type { Escalation } from "../../src/core/escalation.ts";
import type { GateRun } from "../../src/core/gate-run.ts";
import type { Plan } from "../../src/core/plan.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import type { Scope, Store } from "../../src/store/store.ts";
import { aTask } from "../support/a-task.ts";
import { testMessageTables } from "./message-tables.ts";
import { testRulesTables } from "./rules-tables.ts";

const SCOPE: Scope = { tenant: "t", project: "p" };
const OTHER: Scope = { tenant: "t", project: "q" };

const PROCESS: ProcessRow = {
  id: "x1",
  host: "h",
  bootId: "b",
  pidNamespace: "n",
  pid: 7,
  startTime: "9",
  parentPid: 1,
  parentStartTime: "2",
  beat: 3,
  startedAtMs: 1,
  beatAtMs: 2,
  endedAtMs: null,
  schema: 1,
};

const AGENT: Agent = {
  name: "ada",
  role: null,
  capabilities: ["a", "b"],
  model: "m",
  tier: "T2",
  principal: "me",
  state: "idle",
  sessionHash: "s1",
  processId: "x1",
  worktree: "/w",
  tokenHash: null,
  registeredAtMs: 1,
  lastSeenMs: 2,
};

const PLAN: Plan = {
  id: "P1",
  title: "t",
  state: "open",
  createdBy: "ada",
  createdAtMs: 1,
  endedAtMs: null,
  integrate: true,
  branch: "refs/heads/guvnor/P1",
  baseCommit: "c0",
  headCommit: null,
  nextHead: "c1",
};

const RUN: GateRun = {
  id: "G1",
  taskId: "T1",
  solutionId: null,
  fence: 1,
  attemptNo: 1,
  round: 0,
  gate: "tests",
  kind: "attempt",
  planId: "P1",
  commit: "c1",
  state: "queued",
  processId: null,
  slot: null,
  tries: 0,
  queuedAtMs: 1,
  endedAtMs: null,
  evidence: null,
};

const TOPIC: Topic = {
  id: "B1",
  title: "t",
  problem: "p",
  state: "proposing",
  method: null,
  electorate: ["ada"],
  veto: [{ role: "security", members: ["ada"] }],
  models: { ada: "gpt" },
  quorum: 1,
  irreversible: false,
  taskId: null,
  openedBy: "ada",
  createdAtMs: 1,
  proposeUntilMs: 100,
  voteUntilMs: null,
  voteSeconds: 600,
  endedAtMs: null,
  round: 1,
  ballotIds: [],
  earlier: [],
  mediate: "last",
  mediation: null,
  checks: null,
  passed: [],
  decision: null,
};

const ESCALATION: Escalation = {
  id: "E1",
  kind: "question",
  severity: "low",
  summary: "s",
  detail: null,
  taskId: "T1",
  topicId: null,
  raisedBy: "ada",
  forPeople: false,
  level: "L2",
  climbs: [{ level: "L2", atMs: 1, why: "conflict", taskId: "T2" }],
  state: "open",
  createdAtMs: 1,
  countedFromMs: 1,
  dueAtMs: 2,
  acknowledgedBy: null,
  resolvedBy: null,
  resolution: null,
  endedAtMs: null,
};

function ids(rows: readonly { id: string }[]): string[] {
  return rows.map((row) => row.id);
}

/** The body of an entry, as far as the store reads it. */
function entryBy(actor: string): string {
  return `{"action":"vote","actor":"${actor}","at":"2026-01-01T00:00:00.000Z","decision":"allow","target":"B1"}`;
}

/** Registers the promises of the Store port; call it inside a describe() per store. */
export function testStoreContract(open: () => Promise<Store>): void {
  let store: Store;
  beforeEach(async () => {
    store = await open();
    return async () => await store.close();
  });

  describe("transactions", () => {
    test("what was written is there afterwards, for write and read", async () => {
      await store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask()));
      expect(await store.write(SCOPE, async (tx) => await tx.tasks.get("T1"))).toEqual(aTask());
      expect(await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"))).toEqual(aTask());
    });

    test("a throw undoes all of it", async () => {
      const failing = store.write(SCOPE, async (tx) => {
        await tx.tasks.insert(aTask());
        throw new Error("boom");
      });
      await expect(failing).rejects.toThrow("boom");
      expect(await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"))).toBeUndefined();
    });

    test("a savepoint undoes its own writes only, by throw or by word", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.tasks.insert(aTask({ id: "T1" }));
        const value = await tx.savepoint(async () => {
          await tx.tasks.insert(aTask({ id: "T2" }));
          return { keep: false, value: "asked" };
        });
        expect(value).toBe("asked");
        const thrown = tx.savepoint(async () => {
          await tx.tasks.insert(aTask({ id: "T3" }));
          throw new Error("inside");
        });
        await expect(thrown).rejects.toThrow("inside");
        await tx.savepoint(async () => {
          await tx.tasks.insert(aTask({ id: "T4" }));
          return { keep: true, value: undefined };
        });
      });
      const tasks = await store.read(SCOPE, async (tx) => await tx.tasks.list({ limit: 9 }));
      expect(tasks.map((task) => task.id)).toEqual(["T1", "T4"]);
    });

    test("writers take turns: no number is given twice", async () => {
      const numbers = await Promise.all(
        Array.from(
          { length: 50 },
          async () => await store.write(SCOPE, async (tx) => await tx.nextNumber("task")),
        ),
      );
      expect(numbers.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 50 }, (_, index) => index + 1),
      );
    });

    test("a transaction that awaits something else fails and leaves nothing", async () => {
      const outside = store.write(SCOPE, async (tx) => {
        await tx.tasks.insert(aTask());
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
        await tx.tasks.get("T1");
      });
      await expect(outside).rejects.toThrow("awaited something");
      expect(await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"))).toBeUndefined();
      await store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask()));
    });

    test("projects do not see each other", async () => {
      await store.write(SCOPE, async (tx) => await tx.tasks.insert(aTask()));
      await store.write(OTHER, async (tx) => {
        expect(await tx.tasks.get("T1")).toBeUndefined();
        expect(await tx.nextNumber("plan")).toBe(1);
        await tx.tasks.insert(aTask({ note: "other" }));
        await tx.tasks.save(aTask({ note: "changed" }));
      });
      expect(await store.read(SCOPE, async (tx) => (await tx.tasks.get("T1"))?.note)).toBeNull();
    });
  });

  describe("wake-ups", () => {
    test("a change after the watch began ends the wait, and one before it does too", async () => {
      const watch = store.watch();
      const never = new AbortController().signal;
      const waiting = watch.next(60_000, never);
      await store.write(SCOPE, async (tx) => tx.wake());
      await expect(waiting).resolves.toBeUndefined();
      await store.write(SCOPE, async (tx) => tx.wake());
      await expect(watch.next(60_000, never)).resolves.toBeUndefined();
      watch.close();
    });

    test("time and abort end a wait as well", async () => {
      const watch = store.watch();
      await expect(watch.next(1, new AbortController().signal)).resolves.toBeUndefined();
      const abort = new AbortController();
      const waiting = watch.next(60_000, abort.signal);
      abort.abort();
      await waiting;
      await watch.next(60_000, abort.signal);
      watch.close();
    });

    test("an undone transaction wakes nobody", async () => {
      const abort = new AbortController();
      const watch = store.watch();
      await expect(
        store.write(SCOPE, async (tx) => {
          tx.wake();
          throw new Error("undone");
        }),
      ).rejects.toThrow("undone");
      const waiting = watch.next(60_000, abort.signal).then(() => "woken");
      const quiet = new Promise((resolve) => {
        setTimeout(() => resolve("quiet"), 50);
      });
      expect(await Promise.race([waiting, quiet])).toBe("quiet");
      abort.abort();
      watch.close();
    });
  });

  describe("tasks", () => {
    test("every field survives a save", async () => {
      const full = aTask({
        state: "running",
        fence: 4,
        holder: "ada",
        attemptNo: 2,
        progressAtMs: 5,
        percent: 12.5,
        note: "n\u2028é",
        blocker: { kind: "k", text: "t", blockedBy: "T2", sinceMs: 7 },
        missing: [{ gate: "tests", evidence: "red" }],
        outputs: { a: [1, { b: null }] },
        artifacts: [{ name: "x", path: "y", sha256: "0".repeat(64) }],
        commit: "c",
        failures: 1,
        lostLeases: 2,
        reviewRounds: 3,
        preferredAgent: "p",
        failedBy: "f",
        verifiedBy: "person",
        notBeforeMs: 77,
        openDependencies: 2,
        endedAtMs: 6,
      });
      await store.write(SCOPE, async (tx) => {
        await tx.tasks.insert(aTask());
        await tx.tasks.save(full);
      });
      expect(await store.read(SCOPE, async (tx) => await tx.tasks.get("T1"))).toEqual(full);
    });

    test("saving a task that is not there is a mistake", async () => {
      const save = store.write(SCOPE, async (tx) => await tx.tasks.save(aTask()));
      await expect(save).rejects.toThrow("T1");
    });

    test("the best ready tasks of a bucket come first: priority, then age, then id", async () => {
      const ready = await store.write(SCOPE, async (tx) => {
        await tx.tasks.insert(aTask({ id: "T1", readyAtMs: 0 }, { priority: 10 }));
        await tx.tasks.insert(aTask({ id: "T2", readyAtMs: 0 }, { priority: 90 }));
        await tx.tasks.insert(aTask({ id: "T3", readyAtMs: 50 }, { priority: 90 }));
        await tx.tasks.insert(
          aTask({ id: "T4", readyAtMs: 0, notBeforeMs: 500 }, { priority: 99 }),
        );
        await tx.tasks.insert(aTask({ id: "T5", state: "running" }, { priority: 99 }));
        await tx.tasks.insert(aTask({ id: "T6" }, { priority: 99, needs: ["docs"] }));
        return {
          now: await tx.tasks.bestReady([], 100, 9),
          later: await tx.tasks.bestReady([], 500, 2),
          buckets: await tx.tasks.readyNeeds(),
          next: await tx.tasks.nextNotBefore(100),
        };
      });
      expect(ready.now.map((task) => task.id)).toEqual(["T2", "T3", "T1"]);
      expect(ready.later.map((task) => task.id)).toEqual(["T4", "T2"]);
      expect(new Set(ready.buckets.map(String))).toEqual(new Set(["", "docs"]));
      expect(ready.next).toBe(500);
    });

    test("says whether any task of a plan, or at all, is in one of some states", async () => {
      const found = await store.write(SCOPE, async (tx) => {
        await tx.tasks.insert(aTask({ id: "T1", planId: "P1", state: "done" }));
        await tx.tasks.insert(aTask({ id: "T2", planId: "P2", state: "running", holder: "ada" }));
        return [
          await tx.tasks.hasAny(["done", "failed"]),
          await tx.tasks.hasAny(["failed"]),
          await tx.tasks.hasAny(["running"], "P2"),
          await tx.tasks.hasAny(["running"], "P1"),
          await tx.tasks.hasAny([]),
        ];
      });
      expect(found).toEqual([true, false, true, false, false]);
    });

    test("lists filter by state, plan, holder and go on after an id", async () => {
      const lists = await store.write(SCOPE, async (tx) => {
        for (const n of [1, 2, 10]) await tx.tasks.insert(aTask({ id: `T${n}` }));
        await tx.tasks.insert(aTask({ id: "T11", planId: "P2", state: "running", holder: "ada" }));
        return {
          all: await tx.tasks.list({ limit: 9 }),
          after: await tx.tasks.list({ limit: 9, afterId: "T2" }),
          plan: await tx.tasks.list({ limit: 9, planId: "P2" }),
          ready: await tx.tasks.list({ limit: 2, states: ["ready", "done"] }),
          held: await tx.tasks.heldBy("ada"),
          counts: await tx.tasks.counts(),
          planCounts: await tx.tasks.counts("P2"),
        };
      });
      expect(ids(lists.all)).toEqual(["T1", "T2", "T10", "T11"]);
      expect(ids(lists.after)).toEqual(["T10", "T11"]);
      expect(ids(lists.plan)).toEqual(["T11"]);
      expect(ids(lists.ready)).toEqual(["T1", "T2"]);
      expect(ids(lists.held)).toEqual(["T11"]);
      expect(lists.counts).toEqual({ ready: 3, running: 1 });
      expect(lists.planCounts).toEqual({ running: 1 });
    });

    test("dependencies are found from both ends", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.tasks.addDependency("T10", "T2");
        await tx.tasks.addDependency("T10", "T1");
        await tx.tasks.addDependency("T10", "T1");
        expect(await tx.tasks.dependenciesOf("T10")).toEqual(["T1", "T2"]);
        expect(await tx.tasks.dependentsOf("T1")).toEqual(["T10"]);
      });
    });

    test.each(["", "P1", "T", "x'; drop table task; --"])("%j finds no task", async (id) => {
      expect(await store.read(SCOPE, async (tx) => await tx.tasks.get(id))).toBeUndefined();
    });
  });

  describe("agents, processes and attempts", () => {
    test("an agent is found by name, session and process", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.agents.save(AGENT);
        await tx.agents.save({ ...AGENT, name: "bob", sessionHash: "s2", processId: "x2" });
        await tx.agents.touch("ada", 99);
        expect(await tx.agents.get("ada")).toEqual({ ...AGENT, lastSeenMs: 99 });
        expect((await tx.agents.bySession("s2"))?.name).toBe("bob");
        expect(await tx.agents.bySession("s3")).toBeUndefined();
        expect((await tx.agents.byProcess("x1")).map((agent) => agent.name)).toEqual(["ada"]);
        expect((await tx.agents.list()).map((agent) => agent.name)).toEqual(["ada", "bob"]);
      });
    });

    test("a beat raises the count of a process that is present, and of no other", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.processes.save(PROCESS);
        await tx.processes.save({ ...PROCESS, id: "x2", endedAtMs: 5 });
        await tx.processes.beat("x1", 50);
        await tx.processes.beat("x2", 50);
        expect(await tx.processes.get("x1")).toEqual({ ...PROCESS, beat: 4, beatAtMs: 50 });
        expect((await tx.processes.get("x2"))?.beat).toBe(3);
        expect((await tx.processes.listPresent()).map((process) => process.id)).toEqual(["x1"]);
      });
    });

    test("running attempts are those without an end", async () => {
      const attempt = {
        taskId: "T1",
        no: 1,
        agent: "ada",
        fence: 1,
        worktree: null,
        baseCommit: "c",
        headCommit: null,
        startedAtMs: 1,
        endedAtMs: null,
        outcome: null,
        neededPerson: true,
      } as const;
      await store.write(SCOPE, async (tx) => {
        await tx.attempts.save(attempt);
        await tx.attempts.save({ ...attempt, no: 2, endedAtMs: 3, outcome: "lost" });
        expect(await tx.attempts.get("T1", 1)).toEqual(attempt);
        expect(await tx.attempts.list("T1")).toHaveLength(2);
        expect((await tx.attempts.listRunning()).map((each) => each.no)).toEqual([1]);
        await tx.attempts.save({ ...attempt, no: 3, endedAtMs: 9, outcome: "done" });
        await tx.attempts.save({
          ...attempt,
          no: 4,
          agent: "other",
          endedAtMs: 9,
          outcome: "done",
        });
        const ended = async (limit: number): Promise<number[]> =>
          (await tx.attempts.listEnded(attempt.agent, limit)).map((each) => each.no);
        expect(await ended(10)).toEqual([3, 2]);
        expect(await ended(1)).toEqual([3]);
      });
    });
  });

  describe("gate runs", () => {
    test("the oldest queued one is next, but merges of one plan take turns", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.gateRuns.save({ ...RUN, id: "G1", kind: "merge", state: "running" });
        await tx.gateRuns.save({ ...RUN, id: "G2", kind: "merge" });
        await tx.gateRuns.save({ ...RUN, id: "G3", kind: "merge", planId: "P2" });
        await tx.gateRuns.save({ ...RUN, id: "G4" });
        expect((await tx.gateRuns.nextQueued())?.id).toBe("G3");
        expect((await tx.gateRuns.running()).map((run) => run.id)).toEqual(["G1"]);
        await tx.gateRuns.save({ ...RUN, id: "G1", kind: "merge", state: "pass" });
        expect((await tx.gateRuns.nextQueued())?.id).toBe("G2");
        expect((await tx.gateRuns.ofTask("T1", 1)).map((run) => run.id)).toEqual([
          "G1",
          "G2",
          "G3",
          "G4",
        ]);
        expect(await tx.gateRuns.ofTask("T1", 2)).toEqual([]);
      });
    });
  });

  describe("plans, topics and escalations", () => {
    test("they come back as they were saved", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.plans.save(PLAN);
        await tx.topics.save(TOPIC);
        await tx.escalations.save(ESCALATION);
        expect(await tx.plans.get("P1")).toEqual(PLAN);
        expect(await tx.plans.list(5)).toEqual([PLAN]);
        expect(await tx.topics.get("B1")).toEqual(TOPIC);
        expect(await tx.escalations.get("E1")).toEqual(ESCALATION);
        expect(await tx.escalations.ofTask("T1")).toEqual([ESCALATION]);
        expect(await tx.escalations.list(["resolved"], 5)).toEqual([]);
        expect(await tx.escalations.list(["open", "resolved"], 5)).toEqual([ESCALATION]);
        expect(await tx.escalations.climbing()).toEqual([ESCALATION]);
        const resolution = { how: "exception", text: "t", untilMs: 9 } as const;
        const resolved = { ...ESCALATION, resolution, endedAtMs: 5 } as const;
        await tx.escalations.save(resolved);
        expect(await tx.escalations.get("E1")).toEqual(resolved);
        expect(await tx.escalations.climbing()).toEqual([]);
        await tx.escalations.save({ ...ESCALATION, level: "L3" });
        expect(await tx.escalations.climbing()).toEqual([]);
      });
    });

    test("a solution's gate runs are its own, and none of a task", async () => {
      const check: GateRun = {
        ...RUN,
        id: "G2",
        kind: "check",
        taskId: null,
        solutionId: "S1",
        fence: 0,
        planId: null,
      };
      await store.write(SCOPE, async (tx) => {
        await tx.gateRuns.save(RUN);
        await tx.gateRuns.save(check);
        expect(await tx.gateRuns.ofSolution("S1")).toEqual([check]);
        expect(await tx.gateRuns.ofSolution("S2")).toEqual([]);
        expect(await tx.gateRuns.ofTask("T1", 1)).toEqual([RUN]);
      });
    });

    test("a topic keeps its earlier rounds, its checks and its mediation", async () => {
      const mediated: Topic = {
        ...TOPIC,
        round: 3,
        earlier: [{ round: 1, ballotIds: ["S1", "S2"] }],
        mediate: "first",
        checks: { gates: ["g"], files: ["f"], schema: { type: "object" }, waitingSinceMs: 5 },
        mediation: { why: "w", sinceMs: 7, best: ["S1"], taskId: "T1", mediator: "max" },
      };
      await store.write(SCOPE, async (tx) => {
        await tx.topics.save(mediated);
        expect(await tx.topics.get("B1")).toEqual(mediated);
      });
    });

    test("a topic is due at its deadline, while it is open", async () => {
      await store.write(SCOPE, async (tx) => {
        await tx.topics.save(TOPIC);
        expect(await tx.topics.due(99)).toEqual([]);
        expect((await tx.topics.due(100)).map((topic) => topic.id)).toEqual(["B1"]);
        await tx.topics.save({ ...TOPIC, state: "voting", voteUntilMs: 200 });
        expect(await tx.topics.due(199)).toEqual([]);
        expect(await tx.topics.due(200)).toHaveLength(1);
        await tx.topics.save({ ...TOPIC, state: "decided", voteUntilMs: 200 });
        expect(await tx.topics.due(900)).toEqual([]);
        expect(await tx.topics.list("decided", 5)).toHaveLength(1);
        expect(await tx.topics.list(undefined, 5)).toHaveLength(1);
      });
    });

    test("a voter casts once a round", async () => {
      const ballot = {
        topicId: "B1",
        round: 1,
        voter: "ada",
        ranking: ["S1"],
        veto: ["S2"],
        abstain: false,
        reason: "r",
        castAtMs: 1,
      };
      await store.write(SCOPE, async (tx) => {
        expect(await tx.ballots.insert(ballot)).toBe(true);
        expect(await tx.ballots.insert({ ...ballot, ranking: [] })).toBe(false);
        expect(await tx.ballots.insert({ ...ballot, round: 2 })).toBe(true);
        expect(await tx.ballots.ofTopic("B1", 1)).toEqual([ballot]);
      });
    });

    test("solutions belong to their topic", async () => {
      const solution: Solution = {
        id: "S1",
        topicId: "B1",
        author: "ada",
        title: "t",
        body: "b",
        commit: null,
        files: ["a"],
        evidence: [],
        confidence: 0.5,
        createdAtMs: 1,
        checks: [{ kind: "gate", name: "g", state: "fail", why: "w" }],
      };
      await store.write(SCOPE, async (tx) => {
        await tx.solutions.save(solution);
        expect(await tx.solutions.get("S1")).toEqual(solution);
        expect(await tx.solutions.ofTopic("B1")).toEqual([solution]);
        expect(await tx.solutions.ofTopic("B2")).toEqual([]);
      });
    });
  });

  describe("inbox, requests and settings", () => {
    test("messages wait in order until acknowledged by their addressee", async () => {
      await store.write(SCOPE, async (tx) => {
        for (const n of [2, 1, 3]) {
          await tx.messages.insert({
            id: `M${n}`,
            to: n === 3 ? "bob" : "ada",
            from: "x",
            kind: "message",
            subject: null,
            channel: null,
            replyTo: null,
            text: `${n}`,
            atMs: 1,
            givenAtMs: null,
            acknowledgedAtMs: null,
          });
        }
        const waiting = async (): Promise<string[]> => ids(await tx.messages.waiting("ada", 9));
        expect(await waiting()).toEqual(["M1", "M2"]);
        await tx.messages.acknowledge("ada", ["M1", "M3"], 5);
        expect(await waiting()).toEqual(["M2"]);
        expect(await tx.messages.waiting("bob", 9)).toHaveLength(1);
        await tx.messages.acknowledge("ada", ["M2"], 5);
        expect(await waiting()).toEqual([]);
      });
    });

    test("a request is kept once for its agent", async () => {
      const request = {
        agent: "ada",
        requestId: "r",
        digest: "d",
        answer: "{}",
        callId: "c",
        atMs: 1,
      };
      await store.write(SCOPE, async (tx) => {
        await tx.requests.insert(request);
        expect(await tx.requests.get("ada", "r")).toEqual(request);
        expect(await tx.requests.get("bob", "r")).toBeUndefined();
      });
      const again = store.write(SCOPE, async (tx) => await tx.requests.insert(request));
      await expect(again).rejects.toThrow("UNIQUE");
    });

    test("settings are kept by hash, for ever", async () => {
      const settings = loadSettings("version: 1\nprofile: open", "guvnor.yaml");
      const set = { hash: "h", source: "s", settings, appliedBy: "me", appliedAtMs: 1 };
      await store.write(SCOPE, async (tx) => {
        await tx.policies.insert(set);
        await tx.policies.insert({ ...set, appliedBy: "other" });
        expect(await tx.policies.get("h")).toEqual(set);
        expect(await tx.policies.list()).toEqual([set]);
        expect(await tx.projects.get()).toBeUndefined();
        const project = {
          id: "p",
          name: "n",
          root: null,
          policyHash: "h",
          operatorKeyHash: null,
          createdAtMs: 1,
        };
        await tx.projects.save(project);
        expect(await tx.projects.get()).toEqual(project);
      });
    });
  });

  describe("ledger", () => {
    test("entries are chained from 1 without gaps, each project by itself", async () => {
      for (const scope of [SCOPE, OTHER]) {
        await store.write(scope, async (tx) => {
          expect(await tx.audit.head()).toBeUndefined();
          for (const actor of ["ada", "bob", "cy"])
            await tx.audit.append(entryBy(actor), undefined);
        });
        const rows = await store.read(scope, async (tx) => await tx.audit.list(1, 9));
        expect(checkChain(rows)).toMatchObject({ ok: true, checked: 3 });
        expect(await store.read(scope, async (tx) => await tx.audit.head())).toEqual({
          seq: 3,
          hash: rows[2]?.hash,
        });
      }
    });

    test("an undone entry leaves no gap", async () => {
      await expect(
        store.write(SCOPE, async (tx) => {
          await tx.audit.append(entryBy("ada"), undefined);
          throw new Error("undone");
        }),
      ).rejects.toThrow("undone");
      const row = await store.write(
        SCOPE,
        async (tx) => await tx.audit.append(entryBy("bob"), { nonce: "00", payload: "{}" }),
      );
      expect(row.seq).toBe(1);
      await store.read(SCOPE, async (tx) => {
        expect(await tx.audit.payload(1)).toEqual({ nonce: "00", payload: "{}" });
        expect(await tx.audit.payload(2)).toBeUndefined();
        expect(await tx.audit.get(1)).toEqual(row);
        expect(await tx.audit.get(2)).toBeUndefined();
      });
    });

    test("it is searched by what the bodies say", async () => {
      await store.write(SCOPE, async (tx) => {
        for (const actor of ["ada", "bob", "ada"]) await tx.audit.append(entryBy(actor), undefined);
      });
      const found = await store.read(SCOPE, async (tx) => ({
        ada: await tx.audit.search({ actor: "ada", limit: 9 }),
        newest: await tx.audit.search({ action: "vote", newestFirst: true, limit: 1 }),
        after: await tx.audit.search({ target: "B1", decision: "allow", afterSeq: 2, limit: 9 }),
        none: await tx.audit.search({ sinceMs: Date.UTC(2027, 0), limit: 9 }),
        until: await tx.audit.search({ untilMs: Date.UTC(2025, 0), limit: 9 }),
      }));
      expect(found.ada.map((row) => row.seq)).toEqual([1, 3]);
      expect(found.newest.map((row) => row.seq)).toEqual([3]);
      expect(found.after.map((row) => row.seq)).toEqual([3]);
      expect(found.none).toEqual([]);
      expect(found.until).toEqual([]);
    });
  });

  testMessageTables(open);
  testRulesTables(open);
}
