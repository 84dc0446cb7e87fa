import type { Project } from "../../app.ts";
import type { JsonObject } from "../../engine/call.ts";
import type { View } from "../view.ts";
import type { AgentJob } from "./agent-work.ts";
import type { Check } from "./checks.ts";
import { createDirector } from "./director.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { followLedger, openLedger } from "./ledger.ts";
import { narrate } from "./narrate.ts";
import { type Proof, prove } from "./prove.ts";
import type { Sample } from "./sample.ts";
import { setUp, type SubmittedPlan } from "./set-up.ts";
import { addWorktree, createWorkplace, type Workplace } from "./workplace.ts";

export interface Performance {
  readonly ok: boolean;
  readonly seconds: number;
  /** Why it ended before its end. */
  readonly problem: string | undefined;
  readonly checks: readonly Check[];
  readonly proof: Proof | undefined;
  /** The same for programs. */
  readonly document: JsonObject;
}

export interface Stage {
  readonly sample: Sample;
  readonly directory: string;
  readonly view: View;
  readonly print: (lines: readonly string[]) => void;
  readonly signal: AbortSignal;
}

/** Far more than it takes; whatever hangs, the demo does not. */
const LIMIT_MS = 150_000;
/** From the plan's end: agents hear of it at their next call. */
const LEAVE_MS = 10_000;

/** The whole demo, from the empty directory to the proof. Never throws; nothing runs on when it resolves. */
export async function performDemo(stage: Stage): Promise<Performance> {
  const startedMs = performance.now();
  const failing = new AbortController();
  const limit = AbortSignal.timeout(LIMIT_MS);
  const signal = AbortSignal.any([stage.signal, failing.signal, limit]);
  let fleet: Fleet | undefined;
  let proof: Proof | undefined;
  let problem: string | undefined;
  try {
    const workplace = await createWorkplace(stage.directory, stage.sample, signal);
    fleet = createFleet(workplace, (error) => failing.abort(error));
    const plan = await setUp({ ...stage, workplace });
    await play(stage, { workplace, fleet, plan, signal });
    proof = await prove(stage.sample, workplace, plan);
  } catch (error) {
    problem = describeProblem(signal, error);
  } finally {
    await fleet?.stop();
  }
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  const checks = proof?.checks ?? [];
  const ok = problem === undefined && proof !== undefined && checks.every((check) => check.ok);
  const document = {
    ok,
    seconds,
    ...(problem === undefined ? {} : { problem }),
    ...(proof === undefined ? {} : proof.document),
  };
  return { ok, seconds, problem, checks, proof, document };
}

/** What was aborted says only that it was; the signal knows why. */
function describeProblem(signal: AbortSignal, error: unknown): string {
  if (!signal.aborted) return messageOf(error);
  const { reason } = signal as { reason: unknown };
  if (reason instanceof DOMException) return `It took longer than ${LIMIT_MS / 1000} s.`;
  return messageOf(reason);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface Play {
  readonly workplace: Workplace;
  readonly fleet: Fleet;
  readonly plan: SubmittedPlan;
  readonly signal: AbortSignal;
}

/** Starts the agents and follows the ledger until they have all left. */
async function play(stage: Stage, { workplace, fleet, plan, signal }: Play): Promise<void> {
  const jobs = await createJobs(stage.sample, workplace, plan);
  const keys = new Map(Object.entries(plan.tasks).map(([key, id]) => [id, key]));
  const say = (sentence: string): void => {
    stage.print(stage.view.paragraph(sentence, "    *** "));
  };
  const director = createDirector({ sample: stage.sample, workplace, fleet, jobs, keys, say });
  const project = await openLedger(workplace.repository, workplace.env);
  try {
    for (const job of jobs.values()) fleet.start(job);
    await follow(stage, { project, signal, director, keys });
  } finally {
    await project.close();
  }
  const late = await fleet.untilEnded(LEAVE_MS);
  if (late.length > 0) throw new Error(`${late.join(", ")} did not hear that the plan is over.`);
  signal.throwIfAborted();
}

async function follow(
  { view, print }: Stage,
  on: {
    readonly project: Project;
    readonly signal: AbortSignal;
    readonly director: ReturnType<typeof createDirector>;
    readonly keys: ReadonlyMap<string, string>;
  },
): Promise<void> {
  let sinceMs: number | undefined;
  const nameOf = (id: string): string => on.keys.get(id) ?? "";
  for await (const entry of followLedger(on.project, on.signal)) {
    sinceMs ??= entry.atMs;
    print(narrate(view, entry, { sinceMs, nameOf }));
    if (await on.director.react(entry)) return;
  }
  on.signal.throwIfAborted();
}

async function createJobs(
  sample: Sample,
  workplace: Workplace,
  plan: SubmittedPlan,
): Promise<ReadonlyMap<string, AgentJob>> {
  const agents = sample.agents.map(({ name }) => name);
  const jobs = new Map<string, AgentJob>();
  for (const script of sample.agents) {
    const worktree = await addWorktree(workplace, script.name);
    const taskIds = { ...plan.tasks };
    jobs.set(script.name, { script, agents, sample: sample.directory, worktree, taskIds });
  }
  return jobs;
}
