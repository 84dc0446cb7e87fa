import { VOTING_METHODS } from "../../src/core/board.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import { ask, codeOf, field, type SimAgent } from "./agent.ts";

const MAX_TOPICS = 3;

/** Opens a topic now and then, and says its word where it is wanted, or does not. */
export async function dutyOnBoard(agent: SimAgent): Promise<void> {
  const { machine } = agent;
  const { random, ledger } = machine;
  if (!machine.isCalm && ledger.topics.size < MAX_TOPICS && random.chance(0.1)) {
    await openTopic(agent);
  }
  const open = [...ledger.topics.values()].filter(
    ({ state, awaitsPerson }) => !awaitsPerson && (state === "proposing" || state === "voting"),
  );
  if (open.length === 0 || !random.chance(machine.isCalm ? 0.5 : 0.25)) return;
  if (!machine.isCalm && random.chance(0.1)) {
    await ask(agent, "read_board", { solution_id: `S${random.int(1, 8)}` });
  }
  const topicId = random.pick(open).id;
  const answer = await ask(agent, "read_board", {
    topic_id: topicId,
    ...(!machine.isCalm && random.chance(0.15) ? { wait_seconds: random.int(1, 5) } : {}),
  });
  if (answer === undefined || answer.isError) return;
  checkSealed(agent, answer.body);
  const wants = field(answer.body["topic"], "wants");
  if (wants === "propose") await propose(agent, topicId);
  if (wants === "vote") await vote(agent, topicId, answer.body);
}

async function openTopic(agent: SimAgent): Promise<void> {
  const { random, ledger } = agent.machine;
  const names = [...ledger.capabilities.keys()];
  const options = random.pick([undefined, ["left", "right"], ["one", "two", "three"]]);
  await ask(agent, "open_topic", {
    title: "Which way?",
    problem: "There are several ways.",
    ...(options === undefined ? {} : { options }),
    ...(random.chance(0.6) && names.length > 2
      ? { electorate: { agents: names.slice(0, 3) } }
      : {}),
    ...(random.chance(0.2) ? { irreversible: true } : {}),
    ...(random.chance(0.7) ? { method: random.pick(VOTING_METHODS) } : {}),
    ...(random.chance(0.5) ? { veto: ["security"] } : {}),
    ...(options === undefined && random.chance(0.6) ? { checks: checksFor(agent) } : {}),
    propose_seconds: random.int(10, 30),
    vote_seconds: random.int(10, 40),
  });
}

function checksFor({ machine }: SimAgent): JsonObject {
  const { random, ledger } = machine;
  const gates = ledger.gatesInForce.filter(() => random.chance(0.7));
  return random.chance(0.3) || gates.length === 0 ? { files: ["src/a"], gates } : { gates };
}

/** What is proposed on a topic; where it checks commits, a good one or a bad one, or none by mistake. */
export function solutionFor(agent: SimAgent, topicId: string): JsonObject {
  const { machine, name } = agent;
  const { random, repository, ledger } = machine;
  const words = {
    title: secretOf(agent, topicId, "solution"),
    body: secretOf(agent, topicId, "solution"),
    files: ["src/a"],
  };
  if (ledger.topics.get(topicId)?.isChecked !== true || random.chance(0.05)) return words;
  const files = new Map(repository.filesOf(repository.root));
  const path = random.chance(0.85) ? "src/a" : "src/b";
  files.set(path, `${name} ${random.hex(1)} ${random.chance(0.7) ? "good" : "bad"}`);
  return { ...words, commit: repository.commit([repository.root], files) };
}

async function propose(agent: SimAgent, topicId: string): Promise<void> {
  const { random } = agent.machine;
  const said = random.chance(0.4) ? { pass: true } : solutionFor(agent, topicId);
  await ask(agent, "propose_solution", { topic_id: topicId, ...said });
}

async function vote(agent: SimAgent, topicId: string, body: JsonObject): Promise<void> {
  const { machine } = agent;
  const { random, chronicle, ledger } = machine;
  const ids = ((body["solutions"] ?? []) as JsonObject[]).map(({ id }) => String(id));
  const topic = ledger.topics.get(topicId);
  const mayVeto = topic?.vetoers.includes(agent.name) === true;
  // Now and then one tries who may not.
  const vetoes = random.chance(mayVeto ? 0.9 : 0.02);
  const veto = ids.filter(() => vetoes && random.chance(0.5));
  const ballot = ids.filter((id) => !veto.includes(id) && random.chance(0.7));
  const reason = secretOf(agent, topicId, "ballot");
  const cast = { topic_id: topicId, ballot, reason, ...(veto.length === 0 ? {} : { veto }) };
  const said = random.chance(0.1) ? { ...cast, ballot: [], abstain: true } : cast;
  const isTwice = !machine.isCalm && random.chance(0.3);
  const calls = [ask(agent, "vote", said)];
  if (isTwice) calls.push(ask(agent, "vote", { ...said, veto: [], reason: "Once more." }));
  const answers = await Promise.all(calls);
  if (answers.some((answer) => codeOf(answer) === "already_voted")) {
    chronicle.count("second vote refused");
  }
}

/** A text that shows where it came from, wherever it turns up. */
function secretOf(
  { machine, name, process }: SimAgent,
  topic: string,
  kind: "solution" | "ballot",
): string {
  return machine.ledger.secrets.keep(`${kind} ${machine.random.hex(2)}`, {
    topic,
    kind,
    authors: [name, ...process.plan.name.split("+")],
  });
}

/** Until a topic is closed nobody learns what was cast. */
function checkSealed({ machine, name }: SimAgent, body: JsonObject): void {
  const topic = body["topic"];
  const isOpen = field(topic, "state") === "voting" && field(topic, "awaits") === undefined;
  if (!isOpen || body["rounds"] === undefined) return;
  machine.chronicle.violate("ballot_unsealed", `${name} could read the ballots`);
}
