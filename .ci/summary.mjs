// Reads vitest's JSON report and prints what was skipped and the closing line. Plain JavaScript, as
// it runs on whatever Node the machine has.
import { readFileSync } from "node:fs";

const [report, status] = process.argv.slice(2);
let passed = 0;
let failed = 0;
const skipped = [];
try {
  for (const file of JSON.parse(readFileSync(report, "utf8")).testResults) {
    // A file that could not be loaded has no tests, and must not pass for that.
    if (file.assertionResults.length === 0 && file.status === "failed") failed += 1;
    for (const test of file.assertionResults) {
      if (test.status === "passed") passed += 1;
      else if (test.status === "failed") failed += 1;
      else skipped.push(test.fullName);
    }
  }
} catch {
  console.log("There is no test report: a check before the tests failed.");
}
for (const name of skipped) console.log(`skipped: ${name}`);
if (status !== "0" && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
