import { describe, expect, test } from "vitest";

import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { missingEvents, REQUIRED_EVENTS } from "./required-events.ts";
import { addTotals, noTotals, rerunCommand, runMany } from "./run-many.ts";
import { runSchedule } from "./run-schedule.ts";

/** A sample: `npm run sim` runs as many as are wanted. */
const COUNT = 100;
const FIRST_SEED = 1;
/** Many times what a schedule takes; only bounds a hang. */
const LIMIT_MS = 60_000 + COUNT * 2000;

describe("the simulation", () => {
  test(
    `finds no violation in ${COUNT} schedules, in which nearly all happens that can`,
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
      expect(missingEvents(totals.counts).length).toBeLessThan(REQUIRED_EVENTS.length / 10);
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
