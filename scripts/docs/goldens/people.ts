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
  const asked = await show("ben", tool, "asked", {
    kind: "question",
    summary: "For whom is the guide?",
    detail: "A beginner needs more pictures.",
    severity: "low",
    task_id: "T3",
  });
  const id = asked["escalation_id"];
  await show("ben", tool, "asked again, still open", { escalation_id: id });
  await fleet.asPerson("escalations_ack", { escalation_id: id });
  await show("ben", tool, "a person looks after it", { escalation_id: id });
  await fleet.asPerson("escalations_resolve", { escalation_id: id, text: "For beginners." });
  await show("ben", tool, "resolved", { escalation_id: id });
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
  const once = { kind: "other", summary: "May I?", request_id: "ask-1" };
  await show("cleo", tool, "with a request_id", once);
  await show("cleo", tool, "the very same call again: the same answer", once);
  await refused("cleo", tool, "the request_id of another call", { ...once, summary: "Must I?" });
  await refused("cleo", "request_task", "arguments that do not fit", {
    task: "T1",
    wait_seconds: 600,
  });
  await refused("cleo", "release_task", "a tool that is not there", {});
}
