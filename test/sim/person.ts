import { keepOrder, relieve } from "./keep-order.ts";
import { order, type Person } from "./order.ts";
import { isOpen, type TaskModel } from "./task-model.ts";

const PATIENCE_MS = 120_000;
const REASON = { reason: "I looked at it." };

/** One person who answers what is asked, and now and then meddles. */
export async function preside(person: Person): Promise<void> {
  const { machine, process } = person;
  const { random } = machine;
  while (!machine.isOver) {
    await process.sleep(machine.isCalm ? 5000 : random.between(3000, 12_000));
    if (machine.isCalm) await relieve(person);
    else await keepOrder(person);
    await answerEscalations(person);
    await decideTopics(person);
    if (machine.isCalm) await cancelOrphans(person);
    else if (random.chance(0.35)) await meddle(person);
  }
}

async function answerEscalations(person: Person): Promise<void> {
  const { ledger, isCalm, random } = person.machine;
  for (const { id, level, task: taskId } of ledger.questions.open.values()) {
    if (!isCalm && random.chance(0.4)) continue;
    // What agents are asked they should answer; now and then a person is quicker.
    if (level !== "L3" && (isCalm || random.chance(0.9))) continue;
    const task = ledger.tasks.get(taskId ?? "");
    if (task?.state === "review") {
      // A review is answered by what is done with the task, never by words alone.
      await judgeReview(person, task);
    } else {
      if (random.chance(0.15)) await order(person, "escalations_ack", { escalation_id: id });
      await answerOne(person, id);
    }
  }
}

async function answerOne(person: Person, id: string): Promise<void> {
  const { random } = person.machine;
  const args = { escalation_id: id };
  if (random.chance(0.1)) return void (await order(person, "escalations_show", args));
  const text = "Take the left one.";
  const how = random.pick([{}, { decision: true }, { exception_until: "2100-01-01T00:00:00Z" }]);
  if (random.chance(0.1)) await order(person, "escalations_withdraw", { ...args, reason: text });
  else await order(person, "escalations_resolve", { ...args, text, ...how });
}

async function judgeReview(person: Person, task: TaskModel): Promise<void> {
  const { isCalm, random } = person.machine;
  const operation = isCalm || random.chance(0.5) ? "tasks_accept" : "tasks_send_back";
  await order(person, operation, { task_id: task.id, ...REASON });
}

async function decideTopics(person: Person): Promise<void> {
  const { ledger, isCalm, random } = person.machine;
  for (const topic of ledger.topics.values()) {
    const asks = topic.awaitsPerson || topic.state === "no_consensus";
    if (!asks || !random.chance(isCalm ? 1 : 0.3)) continue;
    await order(person, "board_decide", { topic_id: topic.id, none: true, ...REASON });
  }
}

/** Blocked by one who is gone or does not go on, and nobody was asked: only who looks finds these. */
async function cancelOrphans(person: Person): Promise<void> {
  const { ledger, chronicle, queue } = person.machine;
  const asked = new Set([...ledger.questions.open.values()].map(({ task }) => task));
  for (const task of ledger.tasks.values()) {
    if (task.state !== "blocked" || asked.has(task.id)) continue;
    const isLeft = !ledger.places.has(task.holder ?? "");
    if (!isLeft && queue.nowMs - task.movedAtMs < PATIENCE_MS) continue;
    chronicle.count("blocked task without holder or question");
    await order(person, "tasks_cancel", { task_id: task.id, ...REASON });
  }
}

async function meddleWithTopic(person: Person): Promise<void> {
  const { ledger, random } = person.machine;
  const topics = [...ledger.topics.values()];
  if (topics.length === 0) return;
  const operation = random.chance(0.7) ? "board_mediate" : "board_withdraw";
  await order(person, operation, { topic_id: random.pick(topics).id, ...REASON });
}

async function meddle(person: Person): Promise<void> {
  const { machine } = person;
  const { ledger, random } = machine;
  if (random.chance(0.25)) return await meddleWithTopic(person);
  const tasks = [...ledger.tasks.values()];
  if (tasks.length === 0) return;
  const task = random.pick(tasks);
  const args = { task_id: task.id, ...REASON };
  const deeds = { cancel: 25, reopen: 35, judge: 20, list: 5, board: 5, say: 5, apply: 5 } as const;
  switch (random.weighted(deeds)) {
    case "cancel":
      if (isOpen(task) || random.chance(0.1)) await order(person, "tasks_cancel", args);
      return;
    case "reopen": {
      const ended = tasks.filter((each) => !isOpen(each));
      const again = ended.length === 0 ? task : random.pick(ended);
      await order(person, "tasks_reopen", { task_id: again.id, ...REASON });
      return;
    }
    case "judge": {
      const review = tasks.find(({ state }) => state === "review") ?? task;
      await judgeReview(person, review);
      return;
    }
    case "list":
      await order(person, "tasks_list", {});
      return;
    case "board":
      await order(person, "board_list", {});
      return;
    case "say":
      await order(person, "say", { to: random.pick(["#all", task.id]), text: "Well done." });
      return;
    case "apply":
      await order(person, "plan_show", { plan_id: "P1" });
  }
}
