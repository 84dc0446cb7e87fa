import { missingOf, type Moment, type Story, type TaskMoment } from "./story.ts";

/** One thing that had to happen, and what shows that it did. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** One sentence, with the numbers of the ledger's entries. */
  readonly evidence: string;
}

const FEWEST_TASKS = 12;

/** What must have happened on the way, by the ledger alone. */
export function checkStory(story: Story): Check[] {
  return [
    plan(story),
    takenOver(story),
    sentBack(story),
    conflict(story),
    vote(story),
    question(story),
  ];
}

function plan({ tasks, planDone }: Story): Check {
  const all = [...tasks.values()];
  const verified = all.filter((moments) => {
    const last = moments.at(-1);
    return last?.to === "done" && last.effect["verified_by"] === "gates";
  });
  const ok = planDone !== undefined && all.length >= FEWEST_TASKS && verified.length === all.length;
  const at = planDone === undefined ? "it is not over" : `over at ${ref(planDone)}`;
  const evidence = `${verified.length} of ${all.length} tasks are done and verified by gates; ${at}.`;
  return { name: "plan", ok, evidence };
}

function takenOver({ tasks, agents }: Story): Check {
  const name = "taken over";
  for (const [id, moments] of tasks) {
    const at = moments.findIndex(({ event }) => event === "lease_lost");
    const lost = moments[at];
    if (lost === undefined) continue;
    const from = String(lost.effect["lost_by"]);
    const gone = agents.find(
      ({ agent, event, seq }) => agent === from && event === "offline" && seq === lost.seq,
    );
    const next = moments.slice(at).find(({ event }) => event === "claimed");
    const to = next?.holder;
    const isKilled = gone?.why === "gone" || gone?.why === "silent";
    if (!isKilled || next === undefined || to === from || !isDoneBy(moments, to)) continue;
    const evidence = `${from} was killed; its ${id} was free at ${ref(lost)}, and ${to} took it at ${ref(next)}.`;
    return { name, ok: true, evidence };
  }
  return missed(name, "No task of a killed agent was taken over and finished by another.");
}

function sentBack({ tasks }: Story): Check {
  const name = "sent back";
  for (const [id, moments] of tasks) {
    const back = moments.find(
      (moment) => moment.event === "sent_back" && !missingOf(moment).includes("merge"),
    );
    if (back === undefined || !isDoneBy(moments, back.holder)) continue;
    const evidence = `${back.holder} said that ${id} was done; ${missingOf(back).join(", ")} said no (${ref(back)}), and it was mended (${endOf(moments)}).`;
    return { name, ok: true, evidence };
  }
  return missed(name, "No task was sent back by a gate and mended.");
}

function conflict({ tasks, gates }: Story): Check {
  const name = "conflict";
  for (const [id, moments] of tasks) {
    const back = moments.find(
      (moment) => moment.event === "sent_back" && missingOf(moment).includes("merge"),
    );
    if (back === undefined || !isDoneBy(moments, back.holder)) continue;
    const merge = gates.find(({ seq, gate }) => seq === back.seq && gate === "merge");
    if (merge?.summary.includes("conflicts with") !== true) continue;
    const evidence = `${id} conflicted with the plan's branch (${ref(back)}); ${back.holder} did it again on top (${endOf(moments)}).`;
    return { name, ok: true, evidence };
  }
  return missed(name, "No task conflicted on merging and was done again.");
}

function vote({ topics }: Story): Check {
  const name = "vote";
  for (const { id, electorate, solutions, ballots, decided } of topics) {
    const voters = new Set(ballots.map(({ agent }) => agent));
    const authors = new Set(solutions.map(({ agent }) => agent));
    const winner = solutions.find((solution) => solution.id === decided?.winner);
    const hasAll = electorate.every((member) => voters.has(member));
    if (winner === undefined || decided?.by !== "vote" || authors.size < 2 || !hasAll) continue;
    const evidence = `${authors.size} agents proposed, ${voters.size} of ${electorate.length} voted on ${id}; ${winner.id} of ${winner.agent} won (${ref(decided)}).`;
    return { name, ok: true, evidence };
  }
  return missed(name, "No topic with two proposals was decided by the vote of all agents.");
}

function question({ escalations, tasks }: Story): Check {
  const name = "question";
  for (const { id, task, raisedBy, opened, resolved } of escalations) {
    if (task === undefined || resolved === undefined || raisedBy === "guvnor") continue;
    const isPerson =
      resolved.action === "escalations_resolve" && resolved.principal.startsWith("operator:");
    if (!isPerson || tasks.get(task)?.at(-1)?.to !== "done") continue;
    const evidence = `${raisedBy} asked a person about ${task} (${id}, ${ref(opened)}); the answer came with the person's key (${ref(resolved)}).`;
    return { name, ok: true, evidence };
  }
  return missed(name, "No agent's question was answered by a person and its task done then.");
}

function isDoneBy(moments: readonly TaskMoment[], agent: string | undefined): boolean {
  const claimed = moments.findLast(({ event }) => event === "claimed");
  return agent !== undefined && claimed?.holder === agent && moments.at(-1)?.to === "done";
}

function endOf(moments: readonly TaskMoment[]): string {
  const last = moments.at(-1);
  return last === undefined ? "" : ref(last);
}

function ref({ seq }: Moment): string {
  return `#${seq}`;
}

function missed(name: string, evidence: string): Check {
  return { name, ok: false, evidence };
}
