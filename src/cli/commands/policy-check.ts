import { toolTypes } from "../../app.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import { loadPolicy } from "../../policy/load-policy.ts";
import { loadPolicyTests, runPolicyTests } from "../../policy/policy-tests.ts";
import { namesOf } from "../answer.ts";
import type { Cli, Report } from "../cli.ts";
import { EXIT_ERROR } from "../explain-error.ts";
import { loadPolicyFile, readPolicyText, readTestText } from "../policy-file.ts";
import type { View } from "../view.ts";

/** Reads and compiles it, and says all that is wrong at once; nothing else is touched. */
export async function checkPolicy(cli: Cli, file: string | undefined): Promise<Report> {
  const { shown, source } = await readPolicyText(cli, file);
  try {
    const { settings } = loadPolicy(source, shown, toolTypes());
    const counts = countParts(settings);
    return {
      json: { ok: true, file: shown, profile: settings.profile, ...counts },
      text: (view) =>
        view.sentence(
          `${shown} is in order: ${counts.rules} rules, ${counts.limits} limits, ${counts.gates} gates, with those of the profile ${settings.profile}.`,
        ),
    };
  } catch (error) {
    if (!(error instanceof GuvnorError) || error.code !== "config_invalid") throw error;
    const problems = namesOf(error.details ?? {}, "problems");
    return {
      exitCode: EXIT_ERROR,
      json: { ok: false, file: shown, problems },
      text: (view) => [
        ...problems.flatMap((problem) => problemLines(view, problem)),
        ...view.hint("Correct the file; what was applied before stays in force."),
      ],
    };
  }
}

function countParts({ policy, limits, gates }: ProjectSettings): {
  rules: number;
  limits: number;
  gates: number;
} {
  return {
    rules: policy.rules.length,
    limits: limits.length,
    gates: Object.keys(gates).length,
  };
}

function problemLines(view: View, problem: string): string[] {
  const [first = "", ...more] = view.sentence(problem);
  return [view.paint("bad", first), ...more];
}

interface TestFiles {
  /** Cases; guvnor.test.yaml beside the settings if omitted. */
  readonly tests: string | undefined;
  /** Settings; the project's file if omitted, applied or not. */
  readonly policy: string | undefined;
}

/** Decides the calls of a test file by the rules of a settings file. */
export async function testPolicy(cli: Cli, files: TestFiles): Promise<Report> {
  const { shown: policyFile, policy } = await loadPolicyFile(cli, files.policy);
  const { shown, source } = await readTestText(cli, files.tests);
  const results = runPolicyTests(policy, loadPolicyTests(source, shown, policy));
  const failed = results.filter(({ passed }) => !passed).length;
  return {
    exitCode: failed === 0 ? 0 : EXIT_ERROR,
    json: {
      ok: failed === 0,
      file: shown,
      policy_file: policyFile,
      passed: results.length - failed,
      failed,
      tests: results.map(({ name, place, passed, differences, decision }) => ({
        name,
        place,
        passed,
        differences,
        effect: decision.effect,
        rule: decision.rule,
      })),
    },
    text: (view) => [
      ...results.flatMap(({ name, place, passed, differences }) =>
        passed
          ? marked(view, "good", "ok    ", name)
          : [
              ...marked(view, "bad", "FAIL  ", `${name}  (${place})`),
              ...differences.flatMap((difference) => view.paragraph(difference, "      ")),
            ],
      ),
      ...view.sentence(`${results.length - failed} passed, ${failed} failed.`),
    ],
  };
}

function marked(view: View, tone: "good" | "bad", mark: string, text: string): string[] {
  const [first = "", ...more] = view.fields([[mark.trimEnd().padEnd(4), text]]);
  return [view.paint(tone, first.slice(0, 4)) + first.slice(4), ...more];
}
