// Fails unless each export of the named modules has a heading in docs: check-documented.mjs dates …
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const docs = readdirSync("docs")
  .filter((name) => name.endsWith(".md"))
  .map((name) => readFileSync(join("docs", name), "utf8"))
  .join("\n");

const missing = [];
for (const name of process.argv.slice(2)) {
  const module = await import(pathToFileURL(resolve("src", `${name}.mjs`)).href);
  for (const exported of Object.keys(module)) {
    if (!new RegExp(`^### ${exported}\\(`, "m").test(docs)) missing.push(`${name}: ${exported}`);
  }
}
if (missing.length > 0) {
  console.error(`Not documented in docs/:\n${missing.join("\n")}`);
  process.exitCode = 1;
}
