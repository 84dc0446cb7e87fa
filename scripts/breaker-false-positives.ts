import { parseArgs } from "node:util";

import { DEFAULT_BREAKER, type BreakerSettings } from "../src/core/breaker.ts";
import { callsUntilOpen, openedWindows, unionBound } from "../test/support/breaker-simulation.ts";

/** node scripts/breaker-false-positives.ts --windows 10000 --seed 1: how often a breaker opens on a callee that is well. */

const { values } = parseArgs({
  options: {
    windows: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
  },
});
const run = { windows: Number(values.windows), seed: Number(values.seed) };

const SETTINGS: readonly { readonly name: string; readonly settings: BreakerSettings }[] = [
  { name: "default: 0.5 of 20", settings: DEFAULT_BREAKER },
  { name: "0.3 of 20", settings: { ...DEFAULT_BREAKER, errorRatio: 0.3 } },
  { name: "0.5 of 5", settings: { ...DEFAULT_BREAKER, minCalls: 5 } },
  { name: "0.2 of 10", settings: { ...DEFAULT_BREAKER, errorRatio: 0.2, minCalls: 10 } },
];

console.log(`Share of ${run.windows} windows of 60 s in which it opened, seed ${run.seed}\n`);
console.log(
  "| opens at | failures by chance | runs of | calls a window | opened | share | bound |",
);
console.log("|---|---|---|---|---|---|---|");
for (const { name, settings } of SETTINGS) {
  for (const errorRate of [0.01, 0.02, 0.05]) {
    for (const [burst, callsPerWindow] of [
      [1, 8],
      [1, 30],
      [1, 120],
      [3, 30],
      [3, 120],
    ] as const) {
      const callee = { errorRate, burst, callsPerWindow };
      const opened = openedWindows(settings, callee, run);
      const bound = burst === 1 ? unionBound(settings, callee).toExponential(1) : "";
      const share = `${((100 * opened) / run.windows).toFixed(2)} %`;
      console.log(
        `| ${name} | ${errorRate * 100} % | ${burst} | ${callsPerWindow} | ${opened} | ${share} | ${bound} |`,
      );
    }
  }
}

console.log("\nCalls until a callee that has gone bad is cut off, mean of 1,000\n");
console.log("| opens at | fails | after 0 good calls | after 20 | after 100 |");
console.log("|---|---|---|---|---|");
for (const { name, settings } of SETTINGS) {
  for (const errorRate of [0.6, 0.8, 1]) {
    const means = [0, 20, 100].map((healthyCalls) =>
      callsUntilOpen(
        settings,
        { errorRate, healthyCalls },
        { tries: 1000, seed: run.seed },
      ).toFixed(1),
    );
    console.log(`| ${name} | ${errorRate * 100} % | ${means.join(" | ")} |`);
  }
}
