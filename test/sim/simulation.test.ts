import { describe, expect, test } from "vitest";

import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { addTotals, noTotals, rerunCommand, runMany } from "./run-many.ts";
import { runSchedule } from "./run-schedule.ts";

const COUNT = Number(process.env["GUVNOR_SIM_COUNT"] ?? 300);
const FIRST_SEED = 1;
/** Many times what a schedule takes; only bounds a hang. */
const LIMIT_MS = 60_000 + COUNT * 2000;

/** Without these a run would prove little: each must have happened somewhere. */
const EVENTS = [
  "agent restored",
  "agent revoked",
  "answer lost",
  "answer not accepted",
  "answered too late",
  "approval granted",
  "approval refused",
  "approval used",
  "ballot cast",
  "branch advanced",
  "breaker closed",
  "breaker open",
  "call of a revoked agent",
  "channel joined",
  "clock stepped back",
  "closed",
  "conflict solved by the agent",
  "crash after commit",
  "crash before commit",
  "crash between calls",
  "crash unseen",
  "crash while holding",
  "denied by a rule",
  "denied by limit:calls",
  "denied by limit:denials",
  "denied by limit:errors",
  "denied by limit:minutes",
  "denied by limit:parallel",
  "denied by limit:running",
  "denied by stop",
  "denied by tier:T0",
  "ended process resumed",
  "escalation acknowledged",
  "escalation climbed",
  "escalation left",
  "escalation prolonged",
  "escalation raised",
  "escalation resolved",
  "escalation withdrawn",
  "flood of refusals",
  "gate fail",
  "gate indeterminate",
  "gate pass",
  "gate process died",
  "gate run requeued",
  "gate slow",
  "held report accepted",
  "held report agent_revoked",
  "held report approval_required",
  "held report stale_lease",
  "holder told of the cancellation",
  "lease kept while stopped",
  "lead's question taken",
  "machine slept",
  "mediator spoke",
  "mediator would fail",
  "mediator would forget",
  "mediator would lie",
  "mediator would refuse",
  "merge conflict",
  "merge fast_forward",
  "merge merged",
  "merge result red",
  "message acknowledged",
  "message given again",
  "message to a channel",
  "message to a task",
  "message to a topic",
  "message to all",
  "message to one",
  "messages read",
  "name with a suffix",
  "old fence of a task held again",
  "process closed",
  "process gone",
  "process revived",
  "process silent",
  "question answered by a person",
  "question answered by an agent",
  "question taken",
  "race in one process",
  "refused not_eligible",
  "refused not_holder",
  "refused person_required",
  "refused request_id_reused",
  "refused session_required",
  "refused task_not_ready",
  "replay",
  "report held",
  "restarted under the same name",
  "resumed agent",
  "resumed all",
  "resumed project",
  "second vote refused",
  "shadow rule spoke",
  "solution check fail",
  "solution check pass",
  "solution vetoed",
  "stale fence refused",
  "stalled task taken",
  "stopped while a gate runs",
  "store busy",
  "suspended process resumed",
  "task blocked",
  "task cancelled",
  "task dependency_reopened",
  "task failed",
  "task held_up",
  "task lease_lost",
  "task released",
  "task reopened",
  "task reopened_waiting",
  "task retried",
  "task returned",
  "task sent_back",
  "task taken_away",
  "task unblocked",
  "task undelivered",
  "task verified",
  "tier changed",
  "topic checks_awaited",
  "topic by approval",
  "topic by majority",
  "topic by schulze",
  "topic by supermajority",
  "topic by unanimity",
  "topic decided",
  "topic mediation_opened",
  "topic no_consensus",
  "topic revote_opened",
  "topic withdrawn",
  "twin of a suspended process",
  "violation denied",
  "violation recorded",
  "violation revoked",
  "wait granted",
] as const;

describe("the simulation", () => {
  test(
    `finds no violation in ${COUNT} schedules, and each of them is wild enough`,
    { timeout: LIMIT_MS },
    async () => {
      const totals = noTotals();
      const seeds = { first: FIRST_SEED, count: COUNT, step: 1 };
      await runMany(seeds, (part) => addTotals(totals, part));
      const [failed] = totals.failed;
      if (failed !== undefined) {
        console.error((await runSchedule(failed.seed)).story());
        console.error(`Seed ${failed.seed} alone: ${rerunCommand(failed.seed)}`);
      }
      expect(totals.failed).toEqual([]);
      expect(totals.schedules).toBe(COUNT);
      const missing = EVENTS.filter((event) => (totals.counts[event] ?? 0) === 0);
      // A few schedules cannot show everything.
      if (COUNT >= 300) expect(missing).toEqual([]);
    },
  );

  test("tells the same story for the same seed", { timeout: LIMIT_MS }, async () => {
    const store = await openSqlite({ file: ":memory:" });
    // On a database of its own, and on one where others were before.
    await runSchedule(FIRST_SEED, { store });
    for (const seed of [FIRST_SEED, 7, 11]) {
      const first = await runSchedule(seed);
      const second = await runSchedule(seed, { store });
      expect(second.head).toMatch(/^[0-9a-f]{64}$/);
      expect(second.head).toBe(first.head);
      expect(second.story()).toBe(first.story());
    }
    await store.close();
  });

  test("tells another story for another seed", async () => {
    const heads = await Promise.all([1, 2, 3].map(async (seed) => (await runSchedule(seed)).head));
    expect(new Set(heads).size).toBe(3);
  });
});
