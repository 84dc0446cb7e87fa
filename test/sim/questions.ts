import { ESCALATION_KINDS, SEVERITIES } from "../../src/core/escalation.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import { ask, codeOf, field, type SimAgent } from "./agent.ts";

/** Asks for help, of whatever kind, and may wait for it. */
export async function question(agent: SimAgent, about: JsonObject): Promise<void> {
  const { random } = agent.machine;
  const asked = await ask(agent, "request_escalation", {
    kind: random.chance(0.6) ? "blocked" : random.pick(ESCALATION_KINDS),
    severity: random.chance(0.8) ? "medium" : random.pick(SEVERITIES),
    summary: "Which of the two?",
    ...about,
    ...(random.chance(0.2) ? { wait_seconds: random.int(1, 6) } : {}),
  });
  const id = codeOf(asked) === undefined ? asked?.body["escalation_id"] : undefined;
  if (id !== undefined && random.chance(0.3)) {
    await ask(agent, "request_escalation", { escalation_id: id, wait_seconds: random.int(1, 9) });
  }
}

/** Answers what another agent asks: at once or late, with words or without, or not at all. */
export async function answerQuestion(
  agent: SimAgent,
  { taskId, fence }: { readonly taskId: string; readonly fence: number },
): Promise<void> {
  const { machine, process } = agent;
  const { random, isCalm } = machine;
  const say = async (said: JsonObject): Promise<void> => {
    const withFence = random.chance(0.7) ? { fence } : {};
    const answer = await ask(agent, "report_progress", { task_id: taskId, ...withFence, ...said });
    if (codeOf(answer) === "task_cancelled") machine.chronicle.count("answered too late");
    if (field(answer?.body, "accepted") === false) machine.chronicle.count("answer not accepted");
  };
  await process.sleep(isCalm ? 1000 : random.between(300, 20_000));
  const outputs = { answer: "The left one." };
  const ways = {
    answer: 50,
    decide: 12,
    wordless: 8,
    fail: 8,
    giveUp: 8,
    release: 6,
    block: 4,
    leave: 4,
  } as const;
  switch (isCalm ? "answer" : random.weighted(ways)) {
    case "answer":
      return await say({ status: "done", outputs });
    case "decide": {
      const resolution = random.pick(["decision", "exception"]);
      const until = { exception_until: "2100-01-01T00:00:00Z" };
      await say({ status: "done", outputs: { ...outputs, resolution, ...until } });
      // Who may not decide can still answer.
      return await say({ status: "done", outputs: { ...outputs, resolution: "answer" } });
    }
    case "wordless":
      await say({ status: "done", note: "It is clear." });
      return await say({ status: "done", outputs });
    case "fail":
      return await say({ status: "failed", note: "I do not know." });
    case "giveUp":
      return await say({ status: "failed", retryable: false });
    case "release":
      return await say({ status: "released" });
    case "block":
      return await say({ status: "blocked", blocker: { kind: "question", text: "Who knows?" } });
    case "leave":
      machine.chronicle.say(agent.name, `forgets ${taskId}`);
  }
}
