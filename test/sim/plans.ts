import type { JsonObject } from "../../src/engine/call.ts";
import type { Random } from "./random.ts";

export const CAPABILITIES = ["rust", "web"] as const;
const PATHS = ["src/a", "src/b", "src/c", "src/d", "src/e"] as const;

/** guvnor.yaml of this schedule's project: mostly one gate, at times none or two. */
export function makeSettings(random: Random): string {
  const count = random.weighted({ none: 8, one: 62, two: 30 });
  const head = "version: 1\n";
  if (count === "none") return head;
  const lint = count === "two" ? "\n  lint: { run: [lint] }" : "";
  return `${head}gates:\n  tests: { run: [test], protected: ["check/**"] }${lint}\n`;
}

/** A plan with a random graph; a person may switch the gates of a task off. */
export function makePlan(
  random: Random,
  gates: readonly string[],
  { isPerson, number }: { isPerson: boolean; number: number },
): JsonObject {
  const count = random.int(2, 6);
  const tasks = Array.from({ length: count }, (_, index) => {
    const before = Array.from({ length: index }, (__, other) => `t${other + 1}`);
    const after = before.filter(() => random.chance(0.35));
    return {
      key: `t${index + 1}`,
      title: `Task ${index + 1} of plan ${number}`,
      after,
      paths: random.chance(0.25) ? [random.pick(PATHS), random.pick(PATHS)] : [random.pick(PATHS)],
      priority: random.int(10, 90),
      ...(random.chance(0.3) ? { kind: "deploy" } : {}),
      ...(random.chance(0.25) ? { needs: [random.pick(CAPABILITIES)] } : {}),
      ...(random.chance(0.5) ? { on_failure: random.pick(["block", "cancel", "skip"]) } : {}),
      ...gatesOf(random, gates, isPerson),
    };
  });
  return { title: `Plan ${number}`, tasks, ...(random.chance(0.5) ? { integrate: true } : {}) };
}

function gatesOf(random: Random, gates: readonly string[], isPerson: boolean): JsonObject {
  const [first] = gates;
  if (first === undefined) return {};
  if (isPerson && random.chance(0.05)) return { gates: [] };
  return random.chance(0.2) ? { gates: [first] } : {};
}

/** More work for a plan that is there already. */
export function makeAddition(random: Random, planId: string, tasks: readonly string[]): JsonObject {
  const after = tasks.filter(() => random.chance(0.3)).slice(0, 3);
  const key = `more-${random.hex(1)}`;
  return {
    plan_id: planId,
    tasks: [{ key, title: "One more", after, paths: [random.pick(PATHS)] }],
  };
}
