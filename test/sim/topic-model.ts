import type { TopicRecord } from "../../src/core/topic-record.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import type { Chronicle } from "./chronicle.ts";
import type { CastModel, Effect, SolutionModel, TopicModel } from "./task-model.ts";

/** What may be said of a ballot while it is sealed. */
const BALLOT_FACTS = new Set(["type", "id", "topic", "round", "voter"]);

/** What the rules look at. */
interface Board {
  readonly topics: Map<string, TopicModel>;
  readonly chronicle: Chronicle;
}

/** Takes in a topic's move, and checks it. */
export function moveTopic({ topics, chronicle }: Board, effect: Effect, actor: string): void {
  if (effect.event === "opened") topics.set(effect.id, newTopic(effect, actor));
  const topic = topics.get(effect.id);
  if (topic === undefined || effect.to === undefined) return;
  chronicle.count(`topic ${effect.event ?? ""}`);
  if (topic.state === "decided" || topic.state === "withdrawn") {
    chronicle.violate("topic_moved_after_end", `${topic.id} ${effect.event ?? ""}`);
  }
  topic.state = effect.to;
  topic.movedAtMs = chronicle.nowMs();
  topic.mediation = effect["mediation"] as string | undefined;
  topic.mediator = effect["mediator"] as string | undefined;
  topic.awaitsPerson = effect.event === "awaits_person";
  if (effect.event === "voting_opened") chronicle.count(`topic by ${String(effect["method"])}`);
  if (effect["record"] === undefined) return;
  topic.isClosed = true;
  checkClosing(chronicle, topic, effect);
}

function newTopic(effect: Effect, openedBy: string): TopicModel {
  const veto = effect["veto"] as readonly { members: readonly string[] }[];
  return {
    id: effect.id,
    electorate: effect["electorate"] as readonly string[],
    openedBy,
    gates: checksOf(effect)?.gates ?? [],
    isChecked: checksOf(effect) !== undefined,
    mediation: undefined,
    mediator: undefined,
    vetoers: veto.flatMap(({ members }) => members),
    state: effect.to ?? "",
    movedAtMs: 0,
    awaitsPerson: false,
    isClosed: false,
    ballots: new Map(),
  };
}

/** What was counted is what was cast, and what was vetoed did not win. */
function checkClosing(chronicle: Chronicle, topic: TopicModel, effect: Effect): void {
  const { rounds } = effect["record"] as TopicRecord;
  const counted = rounds.flatMap(({ round, ballots }) =>
    ballots.map(({ voter, ranking, abstain, veto = [] }) =>
      JSON.stringify([`${topic.id}/${round}/${voter}`, { ranking, abstain, veto }]),
    ),
  );
  const cast = [...topic.ballots].map((each) => JSON.stringify(each));
  if (counted.toSorted().join() !== cast.toSorted().join()) {
    chronicle.violate("ballot_changed", `${topic.id}: ${counted.join()} and not ${cast.join()}`);
  }
  const vetoed = [...topic.ballots.values()].flatMap(({ veto }) => veto);
  const winner = effect["winner"] as string | null;
  if (effect["by"] === "vote" && winner !== null && vetoed.includes(winner)) {
    chronicle.violate("vetoed_won", `${winner} on ${topic.id}`);
  }
}

/** @param args - Of the call, which the ledger keeps apart. */
export function castBallot({ topics, chronicle }: Board, effect: Effect, args: JsonObject): void {
  const topic = topics.get(String(effect["topic"]));
  const voter = String(effect["voter"]);
  if (topic === undefined) return;
  chronicle.count("ballot cast");
  if (topic.ballots.has(effect.id)) chronicle.violate("voted_twice", effect.id);
  if (topic.state !== "voting" || topic.isClosed) chronicle.violate("voted_too_late", effect.id);
  if (!topic.electorate.includes(voter) && topic.mediator !== voter)
    chronicle.violate("voted_uncalled", effect.id);
  if (Object.keys(effect).some((key) => !BALLOT_FACTS.has(key))) {
    chronicle.violate("ballot_unsealed", JSON.stringify(effect));
  }
  const cast = castOf(args);
  if (cast.veto.length > 0) chronicle.count("solution vetoed");
  if (cast.veto.length > 0 && !topic.vetoers.includes(voter)) {
    chronicle.violate("vetoed_uncalled", effect.id);
  }
  topic.ballots.set(effect.id, cast);
}

function castOf({ ballot = [], abstain = false, veto = [] }: JsonObject): CastModel {
  return {
    ranking: ballot as readonly string[],
    abstain: abstain as boolean,
    veto: veto as readonly string[],
  };
}

function checksOf(effect: Effect): { readonly gates: readonly string[] } | undefined {
  return effect["checks"] as { readonly gates: readonly string[] } | undefined;
}

/** What was found out about a solution. */
export function checkSolution(
  {
    solutions,
    chronicle,
  }: { readonly solutions: Map<string, SolutionModel>; readonly chronicle: Chronicle },
  effect: Effect,
): void {
  const solution = solutions.get(effect.id) ?? { isOff: false, passed: new Set<string>() };
  solutions.set(effect.id, solution);
  if (effect["off_ballot"] !== undefined) solution.isOff = true;
  if (effect.event !== "checked") return;
  chronicle.count(`solution check ${String(effect["result"])}`);
  if (effect["result"] === "pass") solution.passed.add(String(effect["gate"]));
  else solution.isOff = true;
}
