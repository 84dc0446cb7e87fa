/**
 * npm run bench: builds guvnor, measures each row and says whether its bar is met. Bars are no
 * tests: a missed one does not fail the run, a row that breaks does.
 *
 *   --quick       small counts, to see that the rows work; nothing is written to bench/results
 *   --only NAME   this row alone; may be given again
 *   --json        one JSON document instead of lines
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { killChildren } from "./children.ts";
import { describeMachine } from "./machine.ts";
import { describeResult, type RowResult } from "./result.ts";
import { judge, type Row } from "./row.ts";
import { ROWS } from "./rows/index.ts";
import { CHECKOUT } from "./servers.ts";

/** A row that takes longer hangs. */
const ROW_LIMIT_MS = 8 * 60_000;

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
  },
});
const rows = ROWS.filter(({ name }) => options.only === undefined || options.only.includes(name));
const unknown = options.only?.find((name) => ROWS.every((row) => row.name !== name));
if (unknown !== undefined) {
  console.error(`There is no row "${unknown}". Rows: ${ROWS.map(({ name }) => name).join(", ")}`);
  process.exit(1);
}

process.on("exit", killChildren);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

execFileSync("npm", ["run", "build", "--silent"], { cwd: CHECKOUT, stdio: ["ignore", 2, 2] });
const results: RowResult[] = [];
for (const row of rows) {
  const result = await measure(row);
  results.push(result);
  if (!options.json) console.log(describeResult(result));
  if (!options.quick && result.error === undefined) save(result);
}
if (options.json) console.log(JSON.stringify(results, undefined, 2));
process.exit(results.some(({ error }) => error !== undefined) ? 1 : 0);

async function measure(row: Row): Promise<RowResult> {
  const { name, title, how, whenMissed } = row;
  const machine = await describeMachine();
  const base = {
    name,
    title,
    how,
    whenMissed,
    quick: options.quick,
    at: new Date().toISOString(),
    machine,
  };
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const late = (): void => reject(new Error(`not done after ${ROW_LIMIT_MS / 60_000} minutes`));
    timer = setTimeout(late, ROW_LIMIT_MS);
  });
  try {
    const figures = await Promise.race([row.measure({ quick: options.quick }), limit]);
    return { ...base, figures: figures.map(judge) };
  } catch (error) {
    killChildren();
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...base, figures: [], error: text };
  } finally {
    clearTimeout(timer);
  }
}

function save(result: RowResult): void {
  const directory = join(import.meta.dirname, "results");
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${result.name}.json`);
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
}
