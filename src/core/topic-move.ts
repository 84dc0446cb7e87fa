import type { Decision, Topic } from "./board.ts";
import type { Escalation } from "./escalation.ts";
import { recordOf, type Deliberation } from "./topic-record.ts";

/** What happens to a topic; the ledger names it. */
type TopicEvent =
  | "opened"
  /** Proposing is over, and the vote waits for what is still being measured. */
  | "checks_awaited"
  | "voting_opened"
  | "revote_opened"
  | "mediation_opened"
  | "decided"
  /** The vote has chosen something irreversible; the topic stays `voting`, closed, until a person decides. */
  | "awaits_person"
  | "no_consensus"
  | "withdrawn";

export interface TopicMove {
  readonly event: TopicEvent;
  readonly topic: Topic;
  /** One sentence for everybody concerned. */
  readonly why: string;
  /** What a person must be asked now. */
  readonly ask?: Pick<Escalation, "kind" | "severity">;
}

/** Everything that rules can do was done. */
export function giveUp(deliberation: Deliberation, nowMs: number, why: string): TopicMove {
  const { topic } = deliberation;
  const decision = decisionOf(deliberation, null, why);
  return {
    event: "no_consensus",
    topic: { ...topic, state: "no_consensus", voteUntilMs: null, endedAtMs: nowMs, decision },
    why,
    ask: { kind: "conflict", severity: topic.irreversible ? "high" : "medium" },
  };
}

export function decisionOf(
  deliberation: Deliberation,
  winner: string | null,
  reason: string,
): Decision {
  return { winner, by: "vote", reason, tally: recordOf(deliberation) };
}
