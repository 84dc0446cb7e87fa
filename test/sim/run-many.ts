import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { runSchedule } from "./run-schedule.ts";

/** Schedules that share a database: a fresh one costs a migration, an old one grows slow. */
const SCHEDULES_A_DATABASE = 40;

export interface FailedSchedule {
  readonly seed: number;
  /** The first few, each as "name: detail". */
  readonly violations: readonly string[];
}

/** Plain data, as it comes from worker threads. */
export interface Totals {
  schedules: number;
  calls: number;
  entries: number;
  tasks: number;
  crashes: number;
  simulatedMs: number;
  failed: FailedSchedule[];
  /** How often each kind of event happened. */
  counts: Record<string, number>;
}

export interface Seeds {
  readonly first: number;
  readonly count: number;
  /** Every so many seeds one: several threads share a range. */
  readonly step: number;
}

export function noTotals(): Totals {
  return {
    schedules: 0,
    calls: 0,
    entries: 0,
    tasks: 0,
    crashes: 0,
    simulatedMs: 0,
    failed: [],
    counts: {},
  };
}

export function addTotals(to: Totals, more: Totals): void {
  to.schedules += more.schedules;
  to.calls += more.calls;
  to.entries += more.entries;
  to.tasks += more.tasks;
  to.crashes += more.crashes;
  to.simulatedMs += more.simulatedMs;
  to.failed.push(...more.failed);
  for (const [kind, count] of Object.entries(more.counts)) {
    to.counts[kind] = (to.counts[kind] ?? 0) + count;
  }
}

/** Runs many schedules, some on the same database. @param onPart - Called with what is new now and then. */
export async function runMany(seeds: Seeds, onPart: (part: Totals) => void): Promise<void> {
  for (let done = 0; done < seeds.count; done += SCHEDULES_A_DATABASE) {
    const store = await openSqlite({ file: ":memory:" });
    const part = noTotals();
    const count = Math.min(SCHEDULES_A_DATABASE, seeds.count - done);
    for (let index = 0; index < count; index += 1) {
      const seed = seeds.first + (done + index) * seeds.step;
      addTotals(part, await runOne(seed, store));
    }
    await store.close();
    onPart(part);
  }
}

async function runOne(
  seed: number,
  store: Awaited<ReturnType<typeof openSqlite>>,
): Promise<Totals> {
  const { violations, stats } = await runSchedule(seed, { store });
  const { calls, entries, tasks, crashes, simulatedMs, counts } = stats;
  const shown = violations.slice(0, 5).map(({ name, detail }) => `${name}: ${detail}`);
  return {
    schedules: 1,
    calls,
    entries,
    tasks,
    crashes,
    simulatedMs,
    failed: violations.length === 0 ? [] : [{ seed, violations: shown }],
    counts: Object.fromEntries(counts),
  };
}

/** How a person sees one failing schedule again, with its story. */
export function rerunCommand(seed: number): string {
  return `GUVNOR_SIM_SEED=${seed} npm run sim`;
}
