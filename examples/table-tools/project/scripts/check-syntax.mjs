// Reads every module of the project as Node does, without running it: `node --check`.
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const check = promisify(execFile);
const files = ["src", "test", "scripts", "reports"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => join(folder, name)),
);

let failed = 0;
const next = files.values();
const worker = async () => {
  for (const file of next) {
    try {
      await check(process.execPath, ["--check", file]);
    } catch (error) {
      failed += 1;
      console.error(error.stderr);
    }
  }
};
await Promise.all([worker(), worker()]);
console.log(`${files.length} files read, ${failed} cannot be.`);
process.exitCode = failed === 0 ? 0 : 1;
