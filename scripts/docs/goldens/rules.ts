import { STORY_SETTINGS, type Stage } from "./stage.ts";

/** The story's settings with rules, which a person applies late in it. */
const WITH_RULES = `${STORY_SETTINGS}policy:
  rules:
    - id: releases-need-a-person
      on: [report_progress]
      when: task.kind == "release" && input.status == "done"
      effect: require_approval
      reason: A person looks at each release.
    - id: no-topics-at-night
      on: [open_topic]
      effect: deny
      severity: low
      reason: Topics are opened while people are there.
    - id: plans-are-seen
      on: [submit_plan]
      effect: warn
      severity: low
      reason: The lead likes to know of new plans.
limits:
  - { id: escalations, of: agent, metric: calls, max: 1, per: 1h, on: [request_escalation], then: throttle }
`;

/** What agents are answered whom a rule, a limit or a stop holds back. */
export async function playRules(stage: Stage): Promise<void> {
  const { fleet, quietly } = stage;
  const applied = await fleet.asPerson("policy_apply", {
    source: WITH_RULES,
    file: "guvnor.yaml",
  });
  if (applied.isError) throw new Error(JSON.stringify(applied.body));
  const plan = {
    title: "Release",
    tasks: [
      { key: "release", title: "Release 2.0", kind: "release", priority: 100, gates: ["tests"] },
    ],
  };
  await quietly("rules", "register_agent", { name: "rita" });
  await quietly("lead", "submit_plan", plan);
  await ask(stage);
  await hold(stage);
}

async function ask({ show, refused, quietly }: Stage): Promise<void> {
  const topic = { title: "Which one?", problem: "We need one." };
  const tool = "check_policy";
  await show("rules", tool, "allowed", { tool: "request_task" });
  await show("rules", tool, "a warning", { tool: "submit_plan" });
  await show("rules", tool, "denied", { tool: "open_topic", input: topic });
  const task = taskOf(await quietly("rules", "request_task"));
  const done = { task_id: task, status: "done" };
  await show("rules", tool, "people are asked", { tool: "report_progress", input: done });
  await refused("rules", tool, "a tool that is not there", { tool: "launch" });
  await refused("rules", "open_topic", "a rule denies it", topic);
  await refused("rules", "report_progress", "a person must approve it", done);
}

async function hold({ fleet, show, refused, quietly }: Stage): Promise<void> {
  const question = { kind: "question", summary: "May I?" };
  await quietly("rules", "request_escalation", question);
  await refused("rules", "request_escalation", "too many in an hour", question);
  await fleet.asPerson("stop", { reason: "Something smells." });
  await show("rules", "request_task", "everything is stopped", {});
  await refused("rules", "vote", "everything is stopped", {
    topic_id: "B1",
    ballot: [],
    reason: "x",
  });
  await fleet.asPerson("resume", {});
  await fleet.asPerson("agents_revoke", { agent: "rita", reason: "It lies." });
  await refused("rules", "get_status", "the agent was revoked", {});
  await fleet.asPerson("agents_restore", { agent: "rita" });
}

function taskOf(answer: Readonly<Record<string, unknown>>): string {
  const { task } = answer;
  return isTask(task) ? task.id : "";
}

function isTask(task: unknown): task is { readonly id: string } {
  return typeof task === "object" && task !== null && "id" in task;
}
