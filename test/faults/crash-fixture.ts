/**
 * Performs a scenario in a prepared directory and kills itself, as `kill -9` would, when its n-th
 * statement is about to run. Prints each statement before that, and "end" when it got that far.
 *
 * usage: crash-fixture.ts <directory> <scenario> <n>
 */
import { writeSync } from "node:fs";

import { openWorld } from "./fault-world.ts";
import { scenarioNamed } from "./scenarios.ts";

const [directory = "", name, n] = process.argv.slice(2);
const scenario = scenarioNamed(name);
let count = 0;
const ada = await openWorld(directory, {
  name: "ada",
  verdict: scenario.verdict ?? "pass",
  onStatement: (statement) => {
    writeSync(1, `${JSON.stringify(statement)}\n`);
    count += 1;
    if (count === Number(n)) process.kill(process.pid, "SIGKILL");
  },
});
await scenario.operate(ada);
writeSync(1, `"end"\n`);
process.kill(process.pid, "SIGKILL");
