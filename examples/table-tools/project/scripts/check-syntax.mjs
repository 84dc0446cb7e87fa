// Reads every module of the project without running it. One process for all of them:
// `node --check` would need one each.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SourceTextModule } from "node:vm";

const files = ["src", "test", "scripts", "reports"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => join(folder, name)),
);

let failed = 0;
for (const identifier of files) {
  try {
    new SourceTextModule(readFileSync(identifier, "utf8"), { identifier });
  } catch (error) {
    failed += 1;
    console.error(error.stack);
  }
}
console.log(`${files.length} files read, ${failed} cannot be.`);
process.exitCode = failed === 0 ? 0 : 1;
