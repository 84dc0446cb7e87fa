import { z } from "zod";

import { TIERS } from "../core/agent.ts";
import { RERUNS } from "../core/pipeline-template.ts";
import { PROFILES, TOOL_CLASSES, VIOLATION_RESPONSES } from "../core/settings.ts";
import { once } from "./once.ts";
import { limitsSchema, policySchema, roleName } from "./rules-schema.ts";
import { durationUpTo, size } from "./units.ts";

const duration = once(() => durationUpTo(1));
const command = once(() => z.array(z.string().min(1).max(4096)).min(1).max(100));
const globs = once(() => z.array(z.string().min(1).max(1024)).max(200));
const count = once(() => z.int().min(0).max(1_000_000));

const gates = once(() => {
  const name = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, "a–z, 0–9, _ and -, at most 40");
  const gate = z.strictObject({
    run: command(),
    timeout: duration().prefault("10m"),
    protected: globs().default([]),
    memory: size().prefault("2GiB"),
    output: size().prefault("16MiB"),
  });
  return z.record(name, gate);
});

const prepare = once(() =>
  z.strictObject({
    run: command(),
    timeout: duration().prefault("10m"),
    key: globs().default([]),
  }),
);

const tiers = once(() => {
  const may = z.strictObject({ may: z.array(z.enum(TOOL_CLASSES)).max(TOOL_CLASSES.length) });
  const promote = z.strictObject({
    verified: count().min(1),
    tasks: count().min(1),
  });
  const demote = z.strictObject({
    violations: count().min(1),
    failures: count().min(1),
    within: durationUpTo(366),
  });
  return z.strictObject({
    start: z.enum(TIERS),
    T0: may,
    T1: may,
    T2: may,
    promote: promote.nullable(),
    demote: demote.nullable(),
  });
});

const violations = once(() => {
  const response = z.enum(VIOLATION_RESPONSES);
  return z.strictObject({ low: response, medium: response, high: response, critical: response });
});

const breakers = once(() => {
  const breaker = z.strictObject({
    min_calls: count().min(1),
    error_ratio: z.number().gt(0).max(1),
    window: duration(),
    open_for: duration(),
    max_open: duration(),
    probes: z.int().min(1).max(100),
  });
  return z.strictObject({ agent: breaker.nullable(), tool: breaker.nullable() });
});

const thresholds = once(() => {
  const share = z.number().min(0).max(1).nullable();
  return z.strictObject({
    response_time: duration().nullable(),
    completion_rate: share,
    error_rate: share,
    queue_depth: count().min(1).nullable(),
  });
});

const stall = once(() =>
  // oxlint-disable-next-line unicorn/no-thenable -- the file's word; settings are never awaited
  z.strictObject({ after: duration(), then: z.enum(["reassign", "revoke"]) }),
);

const escalation = once(() => {
  const after = durationUpTo(31);
  return z.strictObject({
    peer_after: after,
    lead_after: after,
    person_after: after,
    acknowledged_for: after,
    lead: roleName(),
  });
});

const roles = once(() => {
  const words = "the name of an agent or a person";
  const member = z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]*$/, words)
    .max(64);
  return z.record(roleName(), z.array(member).min(1).max(100));
});

/** Templates of pipelines by name; "default" takes the place of the built-in one. */
const pipelines = once(() => {
  const name = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, "a–z, 0–9, _ and -, at most 40");
  const role = z
    .strictObject({
      title: z.string().min(1).max(200),
      body: z.string().min(1).max(20_000),
      needs: z.array(z.string().min(1).max(200)).max(50),
      gates: z.array(z.string().min(1).max(40)).max(50).nullable(),
    })
    .partial();
  const template = z
    .strictObject({
      alpha: role,
      beta: role,
      vote: duration(),
      stuck_after: duration(),
      max_conflicts: count(),
      max_complexity: z.number().min(0).max(1),
      stall_after: duration(),
      deadline: duration(),
      on_no_consensus: z.enum(RERUNS).nullable(),
      reruns: z.int().min(0).max(10),
    })
    .partial();
  return z.record(name, template);
});

/** The whole of `guvnor.yaml`; the published JSON Schema is made from it. */
export const settingsSchema = once(() =>
  z.strictObject({
    version: z.literal(1),
    profile: z.enum(PROFILES).default("standard"),
    gates: gates().default({}),
    prepare: prepare().nullable().default(null),
    policy: policySchema().default({ rules: [] }),
    limits: limitsSchema().default([]),
    tiers: tiers().partial().default({}),
    violations: violations().partial().default({}),
    breakers: breakers().partial().default({}),
    health: z
      .strictObject({ report_interval: duration(), thresholds: thresholds().partial() })
      .partial()
      .default({}),
    stall: stall().optional(),
    escalation: escalation().partial().default({}),
    tokens: z.strictObject({ enrolment: z.enum(["optional", "required"]) }).optional(),
    roles: roles().default({}),
    pipelines: pipelines().default({}),
  }),
);

/** A shipped profile: every part that a project's file may leave out. */
export const profileSchema = once(() =>
  z.strictObject({
    version: z.literal(1),
    auto_apply: z.boolean(),
    policy: policySchema().required(),
    limits: limitsSchema(),
    tiers: tiers(),
    violations: violations(),
    breakers: breakers(),
    health: z.strictObject({ report_interval: duration(), thresholds: thresholds() }),
    stall: stall(),
    escalation: escalation(),
  }),
);

export type SettingsFile = z.infer<ReturnType<typeof settingsSchema>>;
export type ProfileFile = z.infer<ReturnType<typeof profileSchema>>;
