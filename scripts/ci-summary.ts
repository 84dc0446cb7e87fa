// Reads vitest's JSON report; prints what was skipped, and the closing line of CI.
import { readFileSync } from "node:fs";

import { z } from "zod";

const REPORT = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});

const [report = "", checkStatus = "1"] = process.argv.slice(2);

function readReport(): z.infer<typeof REPORT> | undefined {
  try {
    return REPORT.parse(JSON.parse(readFileSync(report, "utf8")));
  } catch {
    console.log("There is no test report: something failed before the tests.");
    return undefined;
  }
}

const files = readReport()?.testResults ?? [];
const tests = files.flatMap((file) => file.assertionResults);
const passed = tests.filter((test) => test.status === "passed").length;
// A file that could not be loaded has no tests, and must not pass for that.
const broken = files.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0,
);
let failed = tests.filter((test) => test.status === "failed").length + broken.length;
const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
for (const test of skipped) console.log(`skipped: ${test.fullName}`);
// Format, lint, types, unused code, coverage or the build failed.
if (checkStatus !== "0" && failed === 0) failed = 1;
const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
console.log(`${passed} passed, ${failed} failed${tail}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
