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

/** What `guvnor.yaml` says, once applied. */
export interface ProjectSettings {
  readonly profile: "open" | "standard" | "strict";
  readonly gates: Readonly<Record<string, GateDefinition>>;
  readonly prepare: PrepareDefinition | null;
}

export const NO_SETTINGS: ProjectSettings = { profile: "standard", gates: {}, prepare: null };

/** One applied version; kept for ever, so that any past decision can be explained. */
export interface PolicySet {
  /** SHA-256 of the source. */
  readonly hash: string;
  readonly source: string;
  readonly settings: ProjectSettings;
  readonly appliedBy: string;
  readonly appliedAtMs: number;
}
