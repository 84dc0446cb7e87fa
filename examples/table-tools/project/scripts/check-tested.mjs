// Fails unless one test file imports all of the named modules: check-tested.mjs parse-csv write-csv
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const modules = process.argv.slice(2);
const tests = readdirSync("test").map((name) => readFileSync(join("test", name), "utf8"));
const found = tests.some((text) => modules.every((name) => text.includes(`"../src/${name}.mjs"`)));
if (!found) {
  console.error(`No test imports ${modules.join(" and ")}.`);
  process.exitCode = 1;
}
