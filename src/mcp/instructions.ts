import type { PromptDefinition } from "./add-prompts.ts";

/**
 * Said to every model at the start and again after a compaction. At most ten lines; some clients cut
 * after 4,096 characters, so what matters comes first.
 */
export const INSTRUCTIONS = `guvnor gives you work, and coordinates you with other agents and people.
1. register_agent with your capabilities and worktree. If several agents share this connection, pass the session you get to every call.
2. request_task {"wait_seconds":25} until you get a task; it is yours alone until its lease ends.
3. Work in your own worktree from base_commit; report_progress {"status":"working"} at least every ten minutes.
4. Commit, then report_progress {"status":"done","wait_seconds":25}. If the answer lists \`missing\`, mend it, commit and report done again.
5. If you need a decision or an answer, request_escalation; report blocked only if you cannot go on without it.
6. An answer may carry \`inbox\`: do as its \`next\` says. Where it asks for it, propose_solution or vote. Tell others what they need to know with send_message.
7. Do what \`next\` and \`fix\` in answers say. Stop when you are told to stop, or when a task is cancelled.
8. Then request_task again, until it answers plan_finished.`;

const WORK_PROMPT = `Work for guvnor until there is nothing left to do.

1. Call register_agent with your capabilities (such as "typescript", "tests", "docs") and the absolute path of your own worktree. Never share a worktree with another agent.
2. Call request_task with wait_seconds 25. If there is no task, do what \`next\` says; end when the reason is plan_finished or a person tells you to stop.
3. Read the brief: body, paths, gates, the commits of the tasks it depends on, notes and \`missing\`. Start from base_commit: make a branch there in your worktree.
4. Do only what the task asks. Change only its paths if it names any. Call report_progress with status working and a percentage when you get on, and at least every ten minutes.
5. Run the gates' commands yourself first, commit everything, then call report_progress with status done and wait_seconds 25. guvnor measures that commit; what is \`missing\` you mend, commit and report again.
6. If you cannot do it, report failed with a note that helps the next agent. If somebody else must act first, call request_escalation and report blocked.
7. Look at \`inbox\` in every answer and do as its \`next\` says. If a topic wants your solution, think for yourself and call propose_solution; if it wants your vote, read all solutions and vote with a reason.
8. Then begin again at 2.`;

const MEDIATE_PROMPT = `You mediate where other agents of this project cannot agree. Work like this until there is nothing left:

1. Call register_agent with role mediator. Keep the session it answers and pass it with every later call.
2. Call request_task with wait_seconds 25. A task of kind mediate names a topic; do other tasks as their briefs say. If there is no task, do what \`next\` says.
3. Call read_board with its topic_id: the problem, every solution, and how often the votes failed. Check what the solutions claim; take no side because of who wrote it.
4. Say for yourself what each solution gets right, what it costs, and what all of them could accept.
5. Call propose_solution once: with one solution of your own that takes this up, or with pass true where one of theirs is best as it is. That ends the task.
6. Voting is open then, and you have a vote too: read_board with wait_seconds 25, then vote with a reason.
7. Begin again at 2.`;

export const PROMPTS: readonly PromptDefinition[] = [
  {
    name: "work",
    title: "Work for guvnor",
    description: "Take tasks from guvnor, do them and report, until there is nothing left.",
    text: WORK_PROMPT,
  },
  {
    name: "mediate",
    title: "Mediate for guvnor",
    description: "Wait for topics that others cannot agree on, and help them to a decision.",
    text: MEDIATE_PROMPT,
  },
];
