import { objectOf } from "../../../src/cli/answer.ts";
import type { Stage } from "./stage.ts";

/** Questions to people, pictures of the project, and what every tool answers alike. */
export async function playPeople(stage: Stage): Promise<void> {
  await ask(stage);
  await look(stage);
  await share(stage);
  await repeat(stage);
}

async function ask({ fleet, show, refused, quietly }: Stage): Promise<void> {
  const tool = "request_escalation";
  for (const agent of ["ada", "ben", "cleo"]) await quietly(agent, "get_status");
  const asked = await show("ben", tool, "asked; a peer's turn", {
    kind: "question",
    summary: "For whom is the guide?",
    detail: "A beginner needs more pictures.",
    severity: "low",
  });
  const id = asked["escalation_id"];
  await show("ben", tool, "asked again, still open", { escalation_id: id });
  const { task } = await show("cleo", "request_task", "a question of another agent", {});
  const done = { task_id: objectOf({ task }, "task")["id"], status: "done" };
  await show("cleo", "report_progress", "done without the answer", done);
  const answer = { ...done, outputs: { answer: "For beginners." } };
  await show("cleo", "report_progress", "an answer", answer);
  await show("ben", tool, "a peer answered", { escalation_id: id });
  const policy = await show("ben", tool, "asked what only people decide", {
    kind: "policy",
    summary: "May it name customers?",
  });
  const policyId = policy["escalation_id"];
  await fleet.asPerson("escalations_ack", { escalation_id: policyId });
  await show("ben", tool, "a person looks after it", { escalation_id: policyId });
  await fleet.asPerson("escalations_resolve", {
    escalation_id: policyId,
    text: "Two, for the fair.",
    exception_until: "2030-01-01T00:00:00Z",
  });
  await show("ben", tool, "an exception was granted", { escalation_id: policyId });
  await refused("ada", tool, "somebody else's question", { escalation_id: id });
  await refused("ada", tool, "a question without words", { kind: "question" });
  await quietly("ben", "get_status");
}

async function look({ show, refused }: Stage): Promise<void> {
  await show("ben", "get_status", "me", {});
  await show("ben", "get_status", "a plan", { scope: "plan", id: "P1" });
  await show("ben", "get_status", "the project", { scope: "project" });
  await show("ben", "get_status", "the agents", { scope: "agents" });
  await refused("ben", "get_status", "a task that is not there", { scope: "task", id: "T99" });
  await refused("ben", "get_status", "a plan that is not there", { scope: "plan", id: "P99" });
}

/** Two agents on one connection, as sub-agents of one client are. */
async function share({ show, refused }: Stage): Promise<void> {
  const first = await show(
    "pair",
    "register_agent",
    "without a name: GUVNOR_AGENT or the client's",
    {
      capabilities: ["review"],
    },
  );
  await show("pair", "register_agent", "a second agent on the same connection", { name: "emil" });
  await refused("pair", "get_status", "two agents share the connection", { scope: "me" });
  await show("pair", "register_agent", "the same agent again", { session: first["session"] });
  await refused("pair", "register_agent", "a session that nobody has", { session: "0000" });
}

async function repeat({ show, refused }: Stage): Promise<void> {
  const tool = "request_escalation";
  const once = { kind: "policy", summary: "May I?", request_id: "ask-1" };
  await show("cleo", tool, "with a request_id", once);
  await show("cleo", tool, "the very same call again: the same answer", once);
  await refused("cleo", tool, "the request_id of another call", { ...once, summary: "Must I?" });
  await refused("cleo", "request_task", "arguments that do not fit", {
    task: "T1",
    wait_seconds: 600,
  });
  await refused("cleo", "release_task", "a tool that is not there", {});
}
