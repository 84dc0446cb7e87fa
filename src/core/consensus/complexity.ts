/** What is known of an objective; what is left out is unknown. */
export interface ObjectiveFacts {
  readonly subtasks?: number | undefined;
  /** Minutes of the longest chain of tasks, and of all of them. */
  readonly criticalPath?: number | undefined;
  readonly work?: number | undefined;
  /** Different skills that it needs, and those that anybody is known to have. */
  readonly skills?: number | undefined;
  readonly skillsKnown?: number | undefined;
  /** Of its forecast duration. */
  readonly p50?: number | undefined;
  readonly p90?: number | undefined;
  /** Expected share of success, 0 to 1. */
  readonly success?: number | undefined;
  /** The largest Jaccard similarity to an objective of the past, 0 to 1. */
  readonly similarity?: number | undefined;
}

const WEIGHTS = {
  size: 0.2,
  depth: 0.15,
  skills: 0.15,
  spread: 0.15,
  risk: 0.2,
  novelty: 0.15,
} as const;

export type ComplexityTerm = keyof typeof WEIGHTS;

export type Complexity = {
  /** 0 to 1. */
  readonly score: number;
  /** Before weighting, 0 to 1 each; an unknown one is its mean. */
  readonly terms: Readonly<Record<ComplexityTerm, number>>;
  readonly unknown: readonly ComplexityTerm[];
};

/** What a term is where nothing is known of it, nor of others: the middle of its range. */
const MIDDLE = 0.5;
/** 63 subtasks and more count alike. */
const MOST_DOUBLINGS = 6;

/**
 * How hard an objective is to bring to one result, 0 to 1: 0.20 size + 0.15 depth + 0.15 skills +
 * 0.15 spread + 0.20 risk + 0.15 novelty. An unknown term takes its mean and is named.
 *
 * @param means - Of the terms over past objectives, where there were some.
 */
export function complexityOf(
  facts: ObjectiveFacts,
  means: Readonly<Partial<Record<ComplexityTerm, number>>> = {},
): Complexity {
  const known = knownTerms(facts);
  const unknown = termNames().filter((name) => known[name] === undefined);
  const value = (name: ComplexityTerm): number => known[name] ?? means[name] ?? MIDDLE;
  const terms = {
    size: value("size"),
    depth: value("depth"),
    skills: value("skills"),
    spread: value("spread"),
    risk: value("risk"),
    novelty: value("novelty"),
  };
  const score = termNames().reduce((sum, name) => sum + WEIGHTS[name] * terms[name], 0);
  return { score: rounded(score), terms, unknown };
}

function knownTerms(facts: ObjectiveFacts): Readonly<Record<ComplexityTerm, number | undefined>> {
  const { subtasks, criticalPath, work, skills, skillsKnown, p50, p90, success, similarity } =
    facts;
  return {
    size: within(subtasks === undefined ? undefined : Math.log2(1 + subtasks) / MOST_DOUBLINGS),
    depth: within(share(criticalPath, work)),
    skills: within(share(skills, skillsKnown)),
    spread: oneLess(share(p50, p90)),
    risk: oneLess(success),
    novelty: oneLess(similarity),
  };
}

/** Undefined where the whole is unknown, or nothing. */
function share(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole <= 0 ? undefined : part / whole;
}

function oneLess(value: number | undefined): number | undefined {
  return within(value === undefined ? undefined : 1 - value);
}

/** Four digits say all that such a score knows, and print alike everywhere. */
function within(value: number | undefined): number | undefined {
  return value === undefined ? undefined : rounded(Math.min(1, Math.max(0, value)));
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function termNames(): readonly ComplexityTerm[] {
  return ["size", "depth", "skills", "spread", "risk", "novelty"];
}
