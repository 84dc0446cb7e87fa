/** Writes docs/performance.md from what `npm run bench` left in bench/results. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Machine } from "../bench/machine.ts";
import { describeBar, describeLoad, type RowResult, verdictOf, withUnit } from "../bench/result.ts";
import type { JudgedFigure } from "../bench/row.ts";
import { ROWS } from "../bench/rows/index.ts";

const ROOT = join(import.meta.dirname, "..");

/** Above this share of the cores in use by others a figure says little. */
const BUSY = 0.2;
const BUSY_WARNING =
  "**others kept the machine busy when it began, so this says little; measure it again.** ";

const HEAD = `<!-- Written by \`node scripts/write-performance.ts\` from bench/results. Do not edit. -->

# Performance

What guvnor must keep up with, and what was measured. A bar is no test: a missed one is said here, with
its reason, and fails nothing. Ratios are to a bare MCP echo server (the same SDK, the same client, the
same run, in turn), because absolute figures say more about the machine. Each figure is the median of
several runs; its spread is the least and the greatest of them.

## Run it

\`\`\`sh
npm run bench                      # all rows, about 20 minutes; writes bench/results
npm run bench -- --quick           # small counts, under a minute: shows only that the rows work
npm run bench -- --only start-up   # one row
npm run bench -- --json            # for a program
node scripts/write-performance.ts  # this page
\`\`\`

Data lies in the system's temporary directory; \`GUVNOR_BENCH_DIR\` puts it on another disk. Leave the
machine alone meanwhile: each row says how busy it was when the row began.
`;

const PEERS = `## Others, under contention

Other servers that hand out work to agents, measured over stdio on two cores like these, but on another
day and not by this program:

| server | asked of it | kept |
|---|---|---|
| task-master 0.43.1 | 160 times "next", then "done", by 8 servers | 17 distinct tasks; p95 882 ms |
| shrimp 1.0.21 | 80 acknowledged writes by 8 servers | 26 on disk, or a corrupt file |
| claude-flow 3.43.0 | 800 acknowledged claims by 8 servers | 773 on disk; 28 claims/s |

guvnor's figures for the same test are in the row \`contention\` above.
`;

const results = ROWS.flatMap(({ name }) => readResult(name) ?? []);
if (results.length === 0) throw new Error("bench/results is empty: run npm run bench first");
const page = [HEAD, machinePart(results), tablePart(results), rowsPart(results), PEERS].join("\n");
writeFileSync(join(ROOT, "docs", "performance.md"), page);

function readResult(name: string): RowResult | undefined {
  const file = join(ROOT, "bench", "results", `${name}.json`);
  if (!existsSync(file)) return undefined;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- bench/run.ts has written it
  return JSON.parse(readFileSync(file, "utf8")) as RowResult;
}

function machinePart(all: readonly RowResult[]): string {
  const described = new Set(all.map(({ machine }) => describeMachine(machine)));
  return `## The machine\n\n${[...described].map((text) => `- ${text}`).join("\n")}\n`;
}

function describeMachine(machine: Machine): string {
  const { cpu, cores, memoryGb, kernel, node, sqlite, filesystem } = machine;
  return `${cpu}, ${cores} cores, ${memoryGb} GB, ${kernel}, Node ${node}, SQLite ${sqlite}, data on ${filesystem}`;
}

/** The figures that have a bar. */
function tablePart(all: readonly RowResult[]): string {
  const rows = all.flatMap(({ name, figures }) =>
    figures.flatMap((figure) => (figure.bar === undefined ? [] : [barRow(name, figure)])),
  );
  return `## Bars\n\n| row | what | bar | figure | spread | |\n|---|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

function barRow(name: string, figure: JudgedFigure): string {
  const { bar, unit, value } = figure;
  const wanted = bar === undefined ? "" : describeBar(bar, unit);
  const verdict = figure.met === false ? "**missed**" : verdictOf(figure);
  const cells = [name, figure.name, wanted, withUnit(value, unit), spreadOf(figure), verdict];
  return `| ${cells.join(" | ")} |`;
}

function rowsPart(all: readonly RowResult[]): string {
  return `## Rows\n\n${all.map(describeRow).join("\n")}`;
}

function describeRow(result: RowResult): string {
  const { name, title, how, whenMissed, at, figures, machine } = result;
  const others = figures.filter(({ bar }) => bar === undefined);
  const listed = others.map((figure) => `${figure.name} ${withUnit(figure.value, figure.unit)}`);
  const beside = listed.length === 0 ? "" : `\n\nBeside: ${listed.join("; ")}.`;
  const missed = figures.some(({ met }) => met === false);
  const busy = machine.busyAtStart > BUSY ? BUSY_WARNING : "";
  const why = missed ? `\n\nWhy it misses its bar: ${busy}${whenMissed}` : "";
  const when = `${at.slice(0, 10)}; at its start: ${describeLoad(machine)}.`;
  return `### ${name}\n\n${title}. ${how}${beside}${why}\n\nMeasured ${when}\n`;
}

function spreadOf({ min, max, unit, runs }: JudgedFigure): string {
  return runs.length > 1 ? `${withUnit(min, unit)} – ${withUnit(max, unit)}` : "";
}
