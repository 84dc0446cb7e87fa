import { asBody, asRows, type Body, type Connection } from "./agent-connection.ts";
import type { Opinion, Recipe } from "./sample.ts";

type Topic = NonNullable<Recipe["topic"]>;

/** What an agent does when an answer says that messages wait for it. */
export type Attend = () => Promise<void>;

export function createAttention(connection: Connection, opinion: Opinion): Attend {
  let boardWants = false;
  return async () => {
    if (connection.hasInbox() && (await readInbox(connection))) boardWants = true;
    if (boardWants) boardWants = await attendBoard(connection, opinion);
  };
}

/** @returns whether something is said about a topic. */
async function readInbox(connection: Connection): Promise<boolean> {
  const { messages } = await connection.call("get_status", { scope: "me" });
  return asRows(messages).some((message) => message["kind"] === "topic");
}

/** Says what is wanted of the agent on the blackboard. @returns whether it must come back for more. */
async function attendBoard(connection: Connection, opinion: Opinion): Promise<boolean> {
  const { topics } = await connection.call("read_board", {});
  let comeBack = false;
  for (const row of asRows(topics)) {
    if (row["wants"] === undefined) continue;
    if (!(await speak(connection, opinion, String(row["id"])))) comeBack = true;
  }
  return comeBack;
}

/** The last one to propose opens the vote, and is asked for its ballot in the same breath. */
async function speak(connection: Connection, opinion: Opinion, topicId: string): Promise<boolean> {
  const question = { topic_id: topicId };
  let read = await connection.call("read_board", question);
  while (asBody(read["topic"])["wants"] !== undefined) {
    if (!(await answerTopic(connection, opinion, read))) return false;
    read = await connection.call("read_board", question);
  }
  return true;
}

/** Proposes, passes or votes. @returns false where it is too early for this agent. */
async function answerTopic(connection: Connection, opinion: Opinion, read: Body): Promise<boolean> {
  const topic = asBody(read["topic"]);
  const solutions = asRows(read["solutions"]);
  const id = String(topic["id"]);
  if (topic["wants"] === "propose") {
    // Of others' solutions there is only the number yet.
    const proposed = Number(topic["solutions"] ?? solutions.length);
    if (proposed < opinion.after_solutions) return false;
    const proposal = opinion.proposes ?? { pass: true };
    await connection.call("propose_solution", { topic_id: id, ...proposal });
  } else if (topic["wants"] === "vote") {
    const ballot = opinion.prefers.flatMap((method) =>
      solutions.filter((each) => methodOf(each) === method).map((each) => String(each["id"])),
    );
    await connection.call("vote", { topic_id: id, ballot, reason: opinion.because });
  }
  return true;
}

/** "linear: between the two neighbours" is the method "linear". */
function methodOf(solution: Body): string {
  return String(solution["title"]).split(":")[0] ?? "";
}

export interface Decided {
  readonly method: string;
  /** Text of the file that records it. */
  readonly record: string;
}

/** Opens a topic for all agents, takes part in it, and waits for the decision. */
export async function decideTopic(
  connection: Connection,
  topic: Topic,
  { opinion, agents, taskId }: { opinion: Opinion; agents: readonly string[]; taskId: string },
): Promise<Decided> {
  // Only agents that are known can be named as the electorate.
  await connection.until(
    "guvnor://project",
    (project) => Number(asBody(project["agents"])["known"]) >= agents.length,
  );
  const opened = await connection.call("open_topic", {
    title: topic.title,
    problem: topic.problem,
    electorate: { agents },
    task_id: taskId,
  });
  const question = { topic_id: String(opened["topic_id"]) };
  let read = await connection.call("read_board", question);
  for (;;) {
    const { state } = asBody(read["topic"]);
    if (state === "decided") return describe(topic, read);
    if (state !== "proposing" && state !== "voting")
      throw new Error(`The topic is ${String(state)}.`);
    await answerTopic(connection, opinion, read);
    read = await connection.call("read_board", { ...question, wait_seconds: 25 });
  }
}

/** The same text whenever the same is decided: no times. */
function describe(topic: Topic, read: Body): Decided {
  const decision = asBody(read["decision"]);
  const solutions = asRows(read["solutions"]);
  const winner = solutions.find((each) => each["id"] === decision["winner"]);
  if (winner === undefined) throw new Error(`${topic.title} Nobody won.`);
  const method = methodOf(winner);
  const ballots = asRows(asRows(read["rounds"]).at(-1)?.["ballots"]);
  const lines = [
    `# ${topic.title}`,
    "",
    `Method: ${method}`,
    "",
    topic.problem.trim(),
    "",
    ...solutions.flatMap((each) => [
      `## ${String(each["id"])} by ${String(each["author"])}`,
      "",
      `${String(each["title"])}.`,
      String(each["body"]).trim(),
      "",
    ]),
    "## Vote",
    "",
    String(decision["reason"]),
    "",
    ...ballots.map((ballot) => `- ${String(ballot["voter"])}: ${ballotText(ballot)}`),
  ];
  return { method, record: `${lines.join("\n")}\n` };
}

function ballotText(ballot: Body): string {
  const ranking = Array.isArray(ballot["ranking"]) ? ballot["ranking"].join(", ") : "";
  return `${ranking}. ${String(ballot["reason"])}`;
}
