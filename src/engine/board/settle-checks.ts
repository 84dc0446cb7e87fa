import type { Solution, Topic } from "../../core/board.ts";
import type { GateRun } from "../../core/gate-run.ts";
import { hasFailed, whyOff } from "../../core/solution-checks.ts";
import { takesSolutions } from "../../core/topic-decisions.ts";
import type { WriteContext } from "../call-context.ts";
import { cut, sendToInbox } from "../inbox.ts";
import { iso } from "../task-view.ts";
import { settleTopic } from "./settle-topics.ts";

const WHY_CHARACTERS = 500;

/** A gate was measured on a solution: that may end its author's hopes, or what the vote waited for. */
export async function noteCheck(ctx: WriteContext, run: GateRun): Promise<void> {
  const solution = await ctx.tx.solutions.get(run.solutionId ?? "");
  const topic = solution === undefined ? undefined : await ctx.tx.topics.get(solution.topicId);
  if (solution === undefined || topic?.state !== "proposing") return;
  const { state } = run;
  if (state === "queued" || state === "running") return;
  const why = state === "pass" ? null : cut(run.evidence?.summary ?? state, WHY_CHARACTERS);
  const checks = solution.checks.map((check) =>
    check.kind === "gate" && check.name === run.gate ? { ...check, state, why } : check,
  );
  const checked: Solution = { ...solution, checks };
  await ctx.tx.solutions.save(checked);
  ctx.effects.push({
    type: "solution",
    id: solution.id,
    event: "checked",
    topic: topic.id,
    gate: run.gate,
    result: state,
  });
  ctx.tx.wake();
  if (hasFailed(checked) && !hasFailed(solution)) await tellAuthor(ctx, topic, checked);
  await settleTopic(ctx, topic, undefined);
}

/** Why it is off the ballot, and what its author can still do. */
async function tellAuthor(ctx: WriteContext, topic: Topic, solution: Solution): Promise<void> {
  if ((await ctx.tx.agents.get(solution.author)) === undefined) return;
  await sendToInbox(ctx, {
    to: solution.author,
    from: "guvnor",
    kind: "topic",
    subject: topic.id,
    text: `${solution.id} cannot be voted on. ${whyOff(solution) ?? ""} ${nextAfterFailure(topic)}`,
  });
}

/** What the author of a solution that failed does now. */
export function nextAfterFailure(topic: Topic): string {
  if (topic.mediation !== null) return "You have spoken as the mediator, and vote all the same.";
  if (!takesSolutions(topic)) return "Proposing is over.";
  return `Mend it and call propose_solution {"topic_id":"${topic.id}"} again until ${iso(topic.proposeUntilMs)}, or with "pass":true.`;
}
