import { ask, codeOf, type SimAgent } from "./agent.ts";
import { solutionFor } from "./board-duty.ts";

/** A task that asks its holder for a word on a topic. */
interface Mediation {
  readonly taskId: string;
  readonly fence: number;
  readonly topicId: string;
}

/** Proposes, passes, refuses, forgets it, or says that it is done without a word. */
export async function mediate(agent: SimAgent, mediation: Mediation): Promise<void> {
  const { machine, process } = agent;
  const { random, chronicle } = machine;
  const { topicId, taskId, fence } = mediation;
  await process.sleep(random.between(300, machine.isCalm ? 3000 : 12_000));
  const ways = { propose: 40, pass: 15, lie: 15, refuse: 10, fail: 8, forget: 12 } as const;
  const way = random.weighted(ways);
  if (way === "propose" || way === "pass") return await speak(agent, topicId);
  chronicle.count(`mediator would ${way}`);
  if (way === "forget") return;
  const said = {
    lie: { status: "done" },
    refuse: { status: "released" },
    fail: { status: "failed", retryable: random.chance(0.5) },
  }[way];
  const answer = await ask(agent, "report_progress", { task_id: taskId, fence, ...said });
  if (way !== "lie" || answer === undefined || answer.isError) return;
  if (answer.body["accepted"] === true) {
    chronicle.violate("mediated_without_a_word", `${agent.name} on ${topicId}`);
  }
}

async function speak(agent: SimAgent, topicId: string): Promise<void> {
  const { random, chronicle } = agent.machine;
  const said = random.chance(0.3) ? { pass: true } : solutionFor(agent, topicId);
  const answer = await ask(agent, "propose_solution", { topic_id: topicId, ...said });
  if (answer !== undefined && codeOf(answer) === undefined) chronicle.count("mediator spoke");
}
