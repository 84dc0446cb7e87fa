export type TopicState = "proposing" | "voting" | "decided" | "no_consensus" | "withdrawn";

export const VOTING_METHODS = [
  "majority",
  "schulze",
  "supermajority",
  "unanimity",
  "approval",
] as const;

export type VotingMethod = (typeof VOTING_METHODS)[number];

/** Members of the electorate whom guvnor.yaml gave this role when the topic was opened. */
export type VetoRole = {
  readonly role: string;
  /** Sorted, at least one. */
  readonly members: readonly string[];
};

export interface Topic {
  readonly id: string;
  readonly title: string;
  readonly problem: string;
  readonly state: TopicState;
  /** As asked for; null leaves it to the number of solutions. Fixed when voting opens. */
  readonly method: VotingMethod | null;
  readonly electorate: readonly string[];
  /** Whose members may veto solutions. */
  readonly veto: readonly VetoRole[];
  /** By member, as registered when it was opened; whoever named none is absent. */
  readonly models: Readonly<Record<string, string>>;
  /** Members who must cast, abstentions included. */
  readonly quorum: number;
  readonly irreversible: boolean;
  readonly taskId: string | null;
  readonly openedBy: string;
  readonly createdAtMs: number;
  readonly proposeUntilMs: number;
  readonly voteUntilMs: number | null;
  readonly voteSeconds: number;
  readonly endedAtMs: number | null;
  /** 1, then 2 for the one re-vote, then 3 for the vote with a mediator. */
  readonly round: number;
  /** Solutions on the ballot in this round; none before voting opens. */
  readonly ballotIds: readonly string[];
  /** Rounds that were voted in before this one. */
  readonly earlier: readonly VotedRound[];
  /** Null where nothing is measured before the vote. */
  readonly checks: TopicChecks | null;
  /** When a mediator is asked: once the votes have failed, or before the first one. */
  readonly mediate: "last" | "first";
  /** Null until a mediator was asked. */
  readonly mediation: Mediation | null;
  /** Members who said that they propose nothing. */
  readonly passed: readonly string[];
  readonly decision: Decision | null;
}

export interface VotedRound {
  readonly round: number;
  readonly ballotIds: readonly string[];
}

/** One agent from outside is asked for a solution of its own, and votes on it with the others. */
export interface Mediation {
  /** What there was no agreement about. */
  readonly why: string;
  readonly sinceMs: number;
  /** Solutions from before that stay on the ballot. */
  readonly best: readonly string[];
  /** Whoever holds it is the mediator; null only until the task is made. */
  readonly taskId: string | null;
  /** Who proposed or passed as the mediator; null until then. */
  readonly mediator: string | null;
}

export interface Solution {
  readonly id: string;
  readonly topicId: string;
  readonly author: string;
  readonly title: string;
  readonly body: string;
  readonly commit: string | null;
  readonly files: readonly string[];
  readonly evidence: readonly string[];
  readonly confidence: number | null;
  readonly createdAtMs: number;
  /** One for each thing that its topic asks of it. */
  readonly checks: readonly SolutionCheck[];
}

/** Measured on each solution before anybody votes on it: what does not pass is on no ballot. */
export interface TopicChecks {
  /** Gates of guvnor.yaml, measured on the solution's commit. */
  readonly gates: readonly string[];
  /** Paths that must be in the solution's commit. */
  readonly files: readonly string[];
  /** A JSON Schema for each of `files` that ends in .json; where there is none, for an entry of the evidence. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  /** Since when proposing is over and the vote waits for checks alone; null before. */
  readonly waitingSinceMs: number | null;
}

export interface SolutionCheck {
  readonly kind: "gate" | "file" | "schema";
  /** The gate or the path; of a schema the file, or "evidence". */
  readonly name: string;
  readonly state: "waiting" | "pass" | "fail" | "indeterminate";
  /** What was seen; null while it waits, and where there is nothing to say. */
  readonly why: string | null;
}

export interface Ballot {
  readonly topicId: string;
  readonly round: number;
  readonly voter: string;
  readonly ranking: readonly string[];
  /** Solutions that must not win, for the ballot's reason. */
  readonly veto: readonly string[];
  readonly abstain: boolean;
  readonly reason: string;
  readonly castAtMs: number;
}

/** How it ended, with everything needed to recompute it. */
export interface Decision {
  readonly winner: string | null;
  readonly by: "vote" | "person";
  readonly reason: string;
  readonly tally: Readonly<Record<string, unknown>>;
}
