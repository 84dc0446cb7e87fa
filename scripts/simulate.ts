import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { missingEvents } from "../test/sim/required-events.ts";
import {
  addTotals,
  noTotals,
  rerunCommand,
  runMany,
  type Seeds,
  type Totals,
} from "../test/sim/run-many.ts";
import { runSchedule } from "../test/sim/run-schedule.ts";

/** npm run sim -- --count 10000 --seed 1 --jobs 2, or GUVNOR_SIM_SEED=123 npm run sim for the story of one. */

/** In so many schedules even what is rare happens. */
const ALL_HAPPENS = 2000;
/** Back to the start of the line of progress. */
const CLEAR = process.stdout.isTTY ? "\r" : "";

if (!isMainThread) {
  await runMany(readSeeds(workerData), (part) => parentPort?.postMessage(part, []));
} else {
  const seed = process.env["GUVNOR_SIM_SEED"];
  process.exitCode =
    seed === undefined ? await simulate() : await tell(wholeNumber("GUVNOR_SIM_SEED", seed));
}

async function simulate(): Promise<number> {
  const { values } = parseArgs({
    options: {
      count: { type: "string", default: "1000" },
      seed: { type: "string", default: "1" },
      jobs: { type: "string", default: "1" },
      events: { type: "boolean", default: false },
    },
  });
  const count = wholeNumber("--count", values.count);
  const first = wholeNumber("--seed", values.seed);
  const jobs = Math.max(1, Math.min(wholeNumber("--jobs", values.jobs), count));
  const totals = noTotals();
  const startedMs = performance.now();
  const onPart = (part: Totals): void => {
    addTotals(totals, part);
    for (const { seed, violations } of part.failed) {
      console.log(`${CLEAR}seed ${seed}: ${violations.join("; ")}\n  ${rerunCommand(seed)}`);
    }
    const { schedules } = totals;
    if (process.stdout.isTTY) process.stdout.write(`${CLEAR}${schedules} of ${count}`);
    // A log needs no more than a sign of life.
    else if (schedules % 1000 < part.schedules) console.log(`${schedules} of ${count}`);
  };
  const share = (job: number): Seeds => ({
    first: first + job,
    count: Math.ceil((count - job) / jobs),
    step: jobs,
  });
  if (jobs === 1) await runMany(share(0), onPart);
  else
    await Promise.all(
      Array.from({ length: jobs }, async (_, job) => await runInThread(share(job), onPart)),
    );
  process.stdout.write(CLEAR);
  if (values.events) console.log(describeEvents(totals));
  console.log(describe(totals, performance.now() - startedMs));
  const missing = count < ALL_HAPPENS ? [] : missingEvents(totals.counts);
  if (missing.length > 0)
    console.log(`never happened, so this proves little: ${missing.join(", ")}`);
  return totals.failed.length + missing.length === 0 ? 0 : 1;
}

async function runInThread(seeds: Seeds, onPart: (part: Totals) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: seeds });
    worker.on("message", onPart);
    worker.on("error", reject);
    worker.on("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a simulating thread ended with ${code}`));
    });
  });
}

function describe(totals: Totals, tookMs: number): string {
  const { schedules, calls, tasks, crashes, simulatedMs, failed } = totals;
  const hours = (simulatedMs / 3_600_000).toFixed(0);
  const each = (tookMs / Math.max(1, schedules)).toFixed(1);
  const seconds = (tookMs / 1000).toFixed(0);
  return `${schedules} schedules (${hours} simulated hours) in ${seconds} s (${each} ms each): ${calls} calls, ${tasks} tasks, ${crashes} crashes, ${failed.length} schedules with violations`;
}

function describeEvents({ counts }: Totals): string {
  const kinds = Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b));
  return kinds.map(([kind, count]) => `${String(count).padStart(9)}  ${kind}`).join("\n");
}

/** One schedule, told in full. */
async function tell(seed: number): Promise<number> {
  const { story, violations, ok } = await runSchedule(seed);
  console.log(story());
  for (const { name, detail } of violations) console.log(`${name}: ${detail}`);
  console.log(ok ? `seed ${seed}: no violation` : `seed ${seed}: ${violations.length} violations`);
  return ok ? 0 : 1;
}

/** What the main thread gave this one. */
function readSeeds(data: unknown): Seeds {
  if (
    typeof data === "object" &&
    data !== null &&
    "first" in data &&
    "count" in data &&
    "step" in data
  ) {
    return { first: Number(data.first), count: Number(data.count), step: Number(data.step) };
  }
  throw new TypeError("a simulating thread needs its seeds");
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new TypeError(`${name} must be a whole number, not "${text}"`);
}
