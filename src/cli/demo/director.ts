import type { AgentJob } from "./agent-work.ts";
import type { Fleet } from "./fleet.ts";
import type { Effect, Entry } from "./ledger.ts";
import type { Sample } from "./sample.ts";
import { text } from "./story.ts";
import type { Workplace } from "./workplace.ts";

/** What the demo does beside looking: it kills, starts again, and answers as the person. */
export interface Director {
  /** @returns whether the plan is over. @throws {Error} when it cannot come to a good end any more. */
  react(entry: Entry): Promise<boolean>;
}

export interface Scene {
  readonly sample: Sample;
  readonly workplace: Workplace;
  readonly fleet: Fleet;
  readonly jobs: ReadonlyMap<string, AgentJob>;
  /** Keys of the plan's tasks by their ids. */
  readonly keys: ReadonlyMap<string, string>;
  /** Says what the demo itself does. */
  readonly say: (sentence: string) => void;
}

/** Everything that it does is an answer to an entry of the ledger. */
export function createDirector(scene: Scene): Director {
  const questions = new Map<string, string>();
  const verdicts = new Map<string, string>();
  return {
    react: async (entry) => {
      let isOver = false;
      for (const effect of entry.effects) {
        if (effect.type === "plan" && effect["to"] === "done") isOver = true;
        else if (effect.type === "gate_run") rememberVerdict(verdicts, effect);
        else if (effect.type === "escalation") rememberQuestion(questions, entry, effect);
        else if (effect.type === "task")
          await reactToTask(scene, { entry, effect, questions, verdicts });
      }
      return isOver;
    },
  };
}

interface TaskNews {
  readonly entry: Entry;
  readonly effect: Effect;
  readonly questions: ReadonlyMap<string, string>;
  readonly verdicts: ReadonlyMap<string, string>;
}

async function reactToTask(scene: Scene, news: TaskNews): Promise<void> {
  const { effect, entry, questions, verdicts } = news;
  const id = text(effect, "id");
  const key = scene.keys.get(id) ?? "";
  const recipe = scene.sample.recipes.get(key);
  switch (effect["event"]) {
    case "progress":
      if (recipe?.killed_after_step !== undefined && effect["fence"] === 1) {
        scene.say(`The demo kills ${entry.actor} and its guvnor: kill -9.`);
        scene.fleet.kill(entry.actor);
      }
      break;
    case "claimed":
      if (recipe?.killed_after_step !== undefined && Number(effect["attempt"]) === 2) {
        startLost(scene);
      }
      break;
    case "blocked":
      await answer(scene, key, questions.get(id));
      break;
    case "failed":
    case "held_up":
      throw new Error(`${id} ${key} cannot be done. ${verdicts.get(id) ?? ""}`.trim());
    default:
      break;
  }
}

/** Whoever lost the task is started again, as its person would; it finds other work. */
function startLost({ fleet, jobs, say }: Scene): void {
  const lost = fleet.killed().flatMap((name) => jobs.get(name) ?? [])[0];
  if (lost === undefined) return;
  say(`The demo starts ${lost.script.name} again.`);
  fleet.start(lost);
}

function rememberVerdict(verdicts: Map<string, string>, effect: Effect): void {
  if (effect["to"] !== "fail" && effect["to"] !== "indeterminate") return;
  verdicts.set(text(effect, "task"), `${text(effect, "gate")}: ${text(effect, "summary")}`);
}

function rememberQuestion(questions: Map<string, string>, entry: Entry, effect: Effect): void {
  if (effect["to"] !== "open") return;
  if (entry.actor === "guvnor") {
    throw new Error(`guvnor asks a person: ${text(effect, "summary")}`);
  }
  questions.set(text(effect, "task"), text(effect, "id"));
}

async function answer(scene: Scene, key: string, escalation: string | undefined): Promise<void> {
  const { sample, workplace, say } = scene;
  const words = sample.answers.get(key);
  if (escalation === undefined || words === undefined) {
    throw new Error(`${key} waits for a person, and the sample has no answer for it.`);
  }
  say(`The demo plays the person: guvnor escalations resolve ${escalation} "…"`);
  for (const args of [
    ["escalations", "ack", escalation],
    ["escalations", "resolve", escalation, words],
  ]) {
    const { exitCode, stderr } = await workplace.guvnor(...args);
    if (exitCode !== 0) throw new Error(`guvnor ${args.join(" ")}: ${stderr.trim()}`);
  }
}
