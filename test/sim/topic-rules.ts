import type { Chronicle } from "./chronicle.ts";
import {
  isOpen,
  type Entry,
  type SolutionModel,
  type TaskModel,
  type TopicModel,
} from "./task-model.ts";

/** What the rules look at. */
interface Ledger {
  readonly tasks: ReadonlyMap<string, TaskModel>;
  readonly topics: ReadonlyMap<string, TopicModel>;
  readonly solutions: ReadonlyMap<string, SolutionModel>;
  readonly chronicle: Chronicle;
}

/** What must hold of topics and their mediators after every entry. */
export function checkTopics(ledger: Ledger, entry: Entry): void {
  const { tasks, topics, chronicle } = ledger;
  if (entry.effects.length === 0) return;
  checkBallots(ledger, entry);
  for (const task of tasks.values()) {
    if (task.serves?.startsWith("B") !== true || !isOpen(task)) continue;
    const topic = topics.get(task.serves);
    if (topic?.state === "proposing" && topic.mediation === task.id) continue;
    const where = `${task.id} is ${task.state}, ${task.serves} is ${topic?.state ?? "not there"}`;
    chronicle.violate("mediation_outlives_topic", `${where} (${entry.action})`);
  }
  for (const { id, electorate, mediator } of topics.values()) {
    if (mediator !== undefined && electorate.includes(mediator)) {
      chronicle.violate("mediator_of_electorate", `${mediator} of ${id}`);
    }
  }
  checkAsked(chronicle, entry);
}

/** Only what has passed everything that its topic asks for can be voted on. */
function checkBallots({ topics, solutions, chronicle }: Ledger, { effects }: Entry): void {
  for (const { type, id, on_ballot: onBallot } of effects) {
    if (type !== "topic" || !Array.isArray(onBallot)) continue;
    for (const name of onBallot.map(String)) {
      const solution = solutions.get(name);
      const missing = topics.get(id)?.gates.filter((gate) => solution?.passed.has(gate) !== true);
      if (solution?.isOff === false && missing?.length === 0) continue;
      chronicle.violate("unchecked_on_ballot", `${name} of ${id}`);
    }
  }
}

/** Whatever rules could not decide is put before a person in the same transaction. */
function checkAsked(chronicle: Chronicle, { effects, action }: Entry): void {
  for (const effect of effects) {
    if (effect.type !== "topic" || effect.event !== "no_consensus") continue;
    const isAsked = effects.some(
      ({ type, to, summary }) =>
        type === "escalation" && to === "open" && String(summary).startsWith(`${effect.id} `),
    );
    if (!isAsked) chronicle.violate("no_person_asked", `${effect.id} (${action})`);
  }
}
