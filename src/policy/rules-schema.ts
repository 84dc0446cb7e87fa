/* oxlint-disable unicorn/no-thenable -- the file's word for what follows; nothing of it is awaited */
import { z } from "zod";

import { TIERS } from "../core/agent.ts";
import { SEVERITIES } from "../core/escalation.ts";
import { EFFECTS, GAUGE_METRICS, LIMIT_RESPONSES, WINDOWED_METRICS } from "../core/policy-rules.ts";
import { once } from "./once.ts";
import { durationUpTo } from "./units.ts";

/** ASCII only: two ids that look the same are the same. */
function itemId(): z.ZodString {
  const words = "an id of a–z, 0–9, _ and -, at most 64, a letter first";
  return z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, words);
}

export function roleName(): z.ZodString {
  const words = "a role of a–z, 0–9, _ and -, at most 40, a letter first";
  return z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, words);
}

/** Names of tools are plain, so a star is the only sign with a meaning. */
function toolGlobs(): z.ZodArray<z.ZodString> {
  const glob = z
    .string()
    .regex(/^[a-z*][a-z0-9_*]*$/, "a tool's name, * for any characters")
    .max(64);
  return z.array(glob).min(1).max(100);
}

const rule = once(() =>
  z
    .strictObject({
      id: itemId(),
      on: toolGlobs().default(["*"]),
      when: z.string("a condition in CEL, as text").min(1).max(2000).optional(),
      effect: z.enum(EFFECTS),
      approvers: z
        .strictObject({
          role: roleName().default("operator"),
          count: z.int().min(1).max(20).default(1),
        })
        .optional(),
      severity: z.enum(SEVERITIES).default("medium"),
      mode: z.enum(["enforce", "shadow"]).default("enforce"),
      reason: z.string().min(1).max(500),
    })
    .superRefine(({ effect, approvers }, context) => {
      if (approvers === undefined || effect === "require_approval") return;
      context.addIssue({
        code: "custom",
        path: ["approvers"],
        message: "only with effect: require_approval",
      });
    }),
);

export const policySchema = once(() =>
  z.strictObject({
    default: z.enum(["allow", "deny"]).optional(),
    rules: z.array(rule()).max(500).default([]),
  }),
);

const limitFields = once(() =>
  z.strictObject({
    id: itemId(),
    of: z.enum(["agent", "tier", "project", "tenant"]),
    metric: z.enum([...WINDOWED_METRICS, ...GAUGE_METRICS]),
    max: z.number().min(0).max(1e15),
    per: durationUpTo(31).optional(),
    on: toolGlobs().optional(),
    tier: z.enum(TIERS).optional(),
    then: z.enum(LIMIT_RESPONSES).default("deny"),
    repeat: z
      .strictObject({
        times: z.int().min(1).max(1000),
        within: durationUpTo(31),
        then: z.enum(["revoke", "stop"]),
      })
      .optional(),
    diagnose: z.boolean().default(false),
  }),
);

export const limitsSchema = once(() => {
  const limit = limitFields().superRefine((file, context) => {
    for (const [field, message] of limitProblems(file)) {
      context.addIssue({ code: "custom", path: [field], message });
    }
  });
  return z.array(limit).max(200);
});

const WINDOWED: ReadonlySet<string> = new Set(WINDOWED_METRICS);
/** Metrics that are counted by tool. */
const OF_TOOLS: ReadonlySet<string> = new Set(["calls", "errors", "denials"]);
const FRACTIONAL: ReadonlySet<string> = new Set(["cost_usd", "task_minutes"]);

function limitProblems(file: z.infer<ReturnType<typeof limitFields>>): [string, string][] {
  const problems: [string, string][] = [];
  const { metric, per } = file;
  const windowed = WINDOWED.has(metric);
  if (windowed && per === undefined) {
    problems.push(["metric", `${metric} is counted over a time: say per, such as per: 1m`]);
  }
  if (!windowed && per !== undefined) {
    problems.push(["per", `${metric} is not counted over a time`]);
  }
  if (!windowed && file.then === "throttle") {
    problems.push(["then", `${metric} is not counted over a time, so waiting is no answer`]);
  }
  if (file.on !== undefined && !OF_TOOLS.has(metric)) {
    problems.push(["on", `${metric} is not counted by tool`]);
  }
  if (!FRACTIONAL.has(metric) && !Number.isSafeInteger(file.max)) {
    problems.push(["max", `${metric} is counted in whole numbers`]);
  }
  return problems;
}
