import type { Arguments, Connected } from "./clients.ts";

/** A connection of our own that makes what the call is about, and the agent that will call. */
export interface Ground {
  readonly helper: Connected;
  readonly session: string;
}

/** For each tool the arguments of a call that succeeds; a tool without an entry fails its test. */
export const ARGUMENTS: Readonly<Record<string, (ground: Ground) => Promise<Arguments>>> = {
  register_agent: ({ session }) => Promise.resolve({ session, capabilities: ["typescript"] }),
  request_task: async (ground) => {
    await submit(ground);
    return { session: ground.session };
  },
  report_progress: async (ground) => {
    await submit(ground);
    const { task } = await ask(ground, "request_task", {});
    const { id } = task as { id: string };
    const note = "It's “half” done: 50 %, {not} more = less.";
    return { task_id: id, status: "working", percent: 50, note, session: ground.session };
  },
  submit_plan: ({ session }) => Promise.resolve({ ...PLAN, dry_run: true, session }),
  open_topic: ({ session }) =>
    Promise.resolve({ title: "Which one?", problem: "We need one.", session }),
  propose_solution: async (ground) => {
    const { topic_id: topicId } = await ask(ground, "open_topic", TOPIC);
    return { topic_id: topicId, title: "This one", body: "It works.", session: ground.session };
  },
  vote: async (ground) => {
    const options = ["This one", "That one"];
    const opened = await ask(ground, "open_topic", { ...TOPIC, options });
    const ids = (opened["solutions"] as { id: string }[]).map(({ id }) => id);
    const { session } = ground;
    return { topic_id: opened["topic_id"], ballot: ids, reason: "It is there.", session };
  },
  check_policy: ({ session }) => Promise.resolve({ tool: "submit_plan", session }),
  read_board: async (ground) => {
    const { topic_id: topicId } = await ask(ground, "open_topic", TOPIC);
    return { topic_id: topicId, session: ground.session };
  },
  request_escalation: ({ session }) =>
    Promise.resolve({ kind: "question", summary: "May I?", session }),
  send_message: ({ session }) =>
    Promise.resolve({ to: "#all", body: "It's “half” done: 50 %.", session }),
  read_messages: async (ground) => {
    await ask(ground, "send_message", { to: "#build", body: "Begin." });
    return { channel: "#build", session: ground.session };
  },
  start_pipeline: ({ session }) =>
    Promise.resolve({
      objective: "Make it “fast”: 50 %.",
      plan: PLAN.tasks.map(({ key, title }) => ({ key, title })),
      session,
    }),
  get_status: ({ session }) => Promise.resolve({ scope: "me", session }),
};

const PLAN = {
  title: "Some work",
  tasks: [
    { key: "first", title: "Begin", needs: ["typescript"] },
    { key: "second", title: "Go on", after: ["first"], inputs: { depth: [1, { two: null }] } },
  ],
};
const TOPIC = { title: "Which one?", problem: "We need one." };

async function submit(ground: Ground): Promise<void> {
  await ask(ground, "submit_plan", PLAN);
}

/** Asked by the helper in the agent's name: the agent is then on the helper's connection. */
async function ask(
  { helper, session }: Ground,
  tool: string,
  args: Arguments,
): Promise<Record<string, unknown>> {
  const { isError, structuredContent } = await helper.call(tool, { ...args, session });
  if (isError === true) throw new Error(`${tool}: ${JSON.stringify(structuredContent)}`);
  return structuredContent;
}
