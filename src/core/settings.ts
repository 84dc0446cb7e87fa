import type { Tier } from "./agent.ts";
import type { EscalationThresholds } from "./escalation-matrix.ts";
import type { Severity } from "./escalation.ts";
import type { PipelineTemplate } from "./pipeline-template.ts";
import type { PolicyLimit, PolicyRule } from "./policy-rules.ts";

/** A named check that a person defined. */
export interface GateDefinition {
  /** Program and arguments; no shell. */
  readonly run: readonly string[];
  readonly timeoutMs: number;
  /** Globs of files that decide what the gate measures; an attempt that changes one needs a person. */
  readonly protected: readonly string[];
  readonly maxMemoryBytes: number;
  readonly maxOutputBytes: number;
}

interface PrepareDefinition {
  readonly run: readonly string[];
  readonly timeoutMs: number;
  readonly key: readonly string[];
}

export const PROFILES = ["open", "standard", "strict"] as const;

export type Profile = (typeof PROFILES)[number];

/** What tiers refer to; every tool has one of them. */
export const TOOL_CLASSES = ["read", "write", "coordinate"] as const;

export type ToolClass = (typeof TOOL_CLASSES)[number];

export interface TierSettings {
  /** Of a new agent. */
  readonly start: Tier;
  readonly may: Readonly<Record<Tier, readonly ToolClass[]>>;
  /** One tier up after so many outcomes that gates verified, of so many tasks; null leaves it to people. */
  readonly promote: {
    readonly verified: number;
    readonly distinctTasks: number;
  } | null;
  /** One tier down after so many violations or so many failed tasks; null leaves it to people. */
  readonly demote: {
    readonly violations: number;
    readonly failures: number;
    readonly withinMs: number;
  } | null;
}

export interface BreakerSettings {
  /** It does not open before so many calls within the window. */
  readonly minCalls: number;
  /** Above 0, up to 1: it opens at this share of errors. */
  readonly errorRatio: number;
  readonly windowMs: number;
  /** How long it is open the first time; doubled each time up to `maxOpenMs`. */
  readonly openForMs: number;
  readonly maxOpenMs: number;
  /** Calls let through while half open; all must succeed. */
  readonly probes: number;
}

/** A threshold that is null is not watched. */
export interface HealthSettings {
  readonly reportIntervalMs: number;
  readonly thresholds: {
    /** Alert at this or more. */
    readonly responseTimeMs: number | null;
    /** 0 to 1; alert at this or less. */
    readonly completionRate: number | null;
    /** 0 to 1; alert at this or more. */
    readonly errorRate: number | null;
    /** Ready tasks of a capability beyond what the agents present can take; alert at this or more. */
    readonly queueDepth: number | null;
  };
}

export const VIOLATION_RESPONSES = ["record", "revoke", "revoke_all", "stop"] as const;

export interface StallSettings {
  /** Silence of a task's holder. */
  readonly afterMs: number;
  /** `reassign`: another agent may take the task. `revoke`: that agent's token is revoked too. */
  readonly response: "reassign" | "revoke";
}

export interface EscalationSettings extends EscalationThresholds {
  /** The role whose agents are leads. */
  readonly lead: string;
}

/** What `guvnor.yaml` says together with its profile, once applied. */
export interface ProjectSettings {
  readonly profile: Profile;
  /** A changed file takes effect by itself; only the profile `open` says so. */
  readonly autoApply: boolean;
  readonly gates: Readonly<Record<string, GateDefinition>>;
  readonly prepare: PrepareDefinition | null;
  readonly policy: {
    /** For agents' calls that no rule matches. */
    readonly default: "allow" | "deny";
    /** The profile's first, then the file's; ids are unique. */
    readonly rules: readonly PolicyRule[];
  };
  readonly limits: readonly PolicyLimit[];
  readonly tiers: TierSettings;
  /** What happens to the agent at a violation (a denial by a rule) of that severity. */
  readonly violations: Readonly<Record<Severity, (typeof VIOLATION_RESPONSES)[number]>>;
  /** Null: no breaker. */
  readonly breakers: {
    readonly agent: BreakerSettings | null;
    readonly tool: BreakerSettings | null;
  };
  readonly health: HealthSettings;
  readonly stall: StallSettings;
  readonly escalation: EscalationSettings;
  /** Whether a process may vouch for its agents itself, or an enrolment (or login) has to. */
  readonly enrolment: "optional" | "required";
  /** Names of agents and people by role. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  /** The project's own templates by name. */
  readonly pipelines: Readonly<Record<string, PipelineTemplate>>;
}

/**
 * What holds where no person has applied anything: the profile `standard` (a test compares it with
 * the file), without limits on how often something is done, which nobody has chosen. Written out, so that a start of guvnor reads no YAML.
 */
export const NO_SETTINGS: ProjectSettings = {
  profile: "standard",
  autoApply: false,
  gates: {},
  prepare: null,
  policy: {
    default: "allow",
    rules: [],
  },
  limits: [
    {
      id: "parallel",
      of: "agent",
      metric: "running_tasks",
      max: 3,
      perMs: null,
      on: ["*"],
      tier: null,
      response: "deny",
      repeat: null,
      diagnose: false,
    },
  ],
  tiers: {
    start: "T2",
    may: {
      T0: ["read"],
      T1: ["read", "write"],
      T2: ["read", "write", "coordinate"],
    },
    promote: {
      verified: 10,
      distinctTasks: 5,
    },
    demote: {
      violations: 5,
      failures: 10,
      withinMs: 86400000,
    },
  },
  violations: {
    low: "record",
    medium: "record",
    high: "record",
    critical: "revoke",
  },
  breakers: {
    agent: {
      minCalls: 5,
      errorRatio: 0.8,
      windowMs: 600000,
      openForMs: 60000,
      maxOpenMs: 1800000,
      probes: 1,
    },
    tool: {
      minCalls: 10,
      errorRatio: 0.5,
      windowMs: 60000,
      openForMs: 10000,
      maxOpenMs: 300000,
      probes: 2,
    },
  },
  health: {
    reportIntervalMs: 60000,
    thresholds: {
      responseTimeMs: 30000,
      completionRate: 0.8,
      errorRate: 0.05,
      queueDepth: 50,
    },
  },
  stall: {
    afterMs: 900000,
    response: "reassign",
  },
  escalation: {
    peerAfterMs: 1800000,
    leadAfterMs: 7200000,
    personAfterMs: 14400000,
    acknowledgedForMs: 1800000,
    lead: "lead",
  },
  enrolment: "optional",
  roles: {},
  pipelines: {},
};

/** One applied version; kept for ever, so that any past decision can be explained. */
export interface PolicySet {
  /** SHA-256 of the source. */
  readonly hash: string;
  readonly source: string;
  readonly settings: ProjectSettings;
  readonly appliedBy: string;
  readonly appliedAtMs: number;
}
