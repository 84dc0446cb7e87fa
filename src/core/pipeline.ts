import type { Tier } from "./agent.ts";
import type { Topic } from "./board.ts";
import { GuvnorError } from "./errors.ts";
import type { PipelineTemplate } from "./pipeline-template.ts";
import type { Task, TaskState } from "./task.ts";

export type PipelineState =
  | "spawn"
  | "running"
  | "report"
  | "orchestrating"
  | "completed"
  | "failed"
  | "revoked";

/** Every way in which a pipeline changes its state; docs/pipelines.md shows this table. */
export const PIPELINE_TRANSITIONS = {
  spawned: { from: [], to: "spawn", by: "start_pipeline: its token is issued" },
  started: { from: ["spawn"], to: "running", by: "the tasks of ALPHA and BETA are there" },
  reported: { from: ["running"], to: "report", by: "both have ended, or the deadline has come" },
  gathered: { from: ["report"], to: "orchestrating", by: "their solutions are on the board" },
  agreed: { from: ["orchestrating"], to: "completed", by: "its topic is decided" },
  accepted: {
    from: ["orchestrating", "failed"],
    to: "completed",
    by: "a person accepts what is there (accept_partial)",
  },
  rerun: {
    from: ["orchestrating", "failed"],
    to: "running",
    by: "a fallback: rerun_same, rerun_gamma or escalate_tier",
  },
  failed: {
    from: ["running", "report", "orchestrating"],
    to: "failed",
    by: "nobody has a solution, or its topic was withdrawn",
  },
  revoked: {
    from: ["spawn", "running", "report", "orchestrating"],
    to: "revoked",
    by: "a person revokes its token",
  },
} as const satisfies Record<
  string,
  { from: readonly PipelineState[]; to: PipelineState; by: string }
>;

export type PipelineEvent = keyof typeof PIPELINE_TRANSITIONS;

export type PipelineRole = "alpha" | "beta" | "gamma";

/** One part of a run: a task that any eligible agent takes. */
export interface RolePart {
  readonly role: PipelineRole;
  readonly taskId: string;
  /** Who has it, or had it last. */
  readonly agent: string | null;
  /** SHA-256 of that agent's token for it; the pipeline's own is its parent. */
  readonly tokenHash: string | null;
  /** The tier that the pipeline lends its agent for this part, and what it had before. */
  readonly lent: { readonly tier: Tier; readonly before: Tier } | null;
}

/** From the tasks of ALPHA and BETA to an end; a fallback begins another one. */
export interface PipelineRun {
  /** From 1. */
  readonly no: number;
  readonly parts: readonly RolePart[];
  /** Why GAMMA mediates from the start; null where it does not. */
  readonly mediated: string | null;
  readonly topicId: string | null;
  readonly startedAtMs: number;
  /** When what is not reported is not waited for any longer. */
  readonly deadlineMs: number;
  /** Why it ended without a consensus; a person's word, or a fallback, may still follow. */
  readonly failure: string | null;
}

export interface PipelineOutcome {
  /** Null where none of the solutions was chosen. */
  readonly solution: string | null;
  readonly commit: string | null;
  /** `vote`: by those who took part, with or without GAMMA. */
  readonly by: "vote" | "person";
  /** Accepted without a consensus. */
  readonly partial: boolean;
  readonly reason: string;
}

export interface Pipeline {
  readonly id: string;
  readonly objective: string;
  readonly state: PipelineState;
  readonly templateName: string;
  /** As it was when the pipeline was made. */
  readonly template: PipelineTemplate;
  /** The plan that holds the tasks of its runs. */
  readonly planId: string;
  /** What has to be done, as far as it was said. */
  readonly subtasks: readonly Subtask[];
  /** 0 to 1. */
  readonly complexity: number;
  /** Terms of the complexity that were not known. */
  readonly unknownTerms: readonly string[];
  /** What its agents may do for it at most; null leaves each at its own tier. */
  readonly tier: Tier | null;
  /** SHA-256 of its token. */
  readonly tokenHash: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
  readonly run: PipelineRun;
  /** Oldest first. */
  readonly earlierRuns: readonly PipelineRun[];
  readonly outcome: PipelineOutcome | null;
}

/** Something that the objective consists of; it makes no task of guvnor's. */
export interface Subtask {
  readonly key: string;
  readonly title: string;
  readonly after: readonly string[];
  readonly needs: readonly string[];
  readonly minutes: number | null;
}

/** A pipeline with the tasks of its run and its topic, as they stand now. */
export interface PipelineView {
  readonly pipeline: Pipeline;
  readonly tasks: ReadonlyMap<string, Task>;
  readonly topic: Topic | undefined;
}

export type PipelineMove =
  /** GAMMA is to bring what is missing. */
  | { readonly kind: "spawn_gamma"; readonly why: string }
  /** Those who voted are stuck: GAMMA is to mediate. */
  | { readonly kind: "mediate"; readonly why: string }
  /** What was reported goes on the board. */
  | { readonly kind: "report"; readonly why: string }
  | { readonly kind: "complete"; readonly outcome: PipelineOutcome }
  /** A person or a fallback has to go on; the pipeline stays as it is. */
  | { readonly kind: "no_consensus"; readonly why: string }
  | { readonly kind: "fail"; readonly why: string };

/** The pipeline after `event`. @throws {GuvnorError} `state_conflict`. */
export function movePipeline(pipeline: Pipeline, event: PipelineEvent, nowMs: number): Pipeline {
  const { from, to } = PIPELINE_TRANSITIONS[event];
  if (event !== "spawned" && !(from as readonly PipelineState[]).includes(pipeline.state)) {
    throw new GuvnorError(
      "state_conflict",
      `${pipeline.id} is ${pipeline.state}; "${event}" needs ${from.join(" or ")}.`,
      `Look at it: guvnor pipeline show ${pipeline.id}`,
    );
  }
  return { ...pipeline, state: to, endedAtMs: ENDED.has(to) ? nowMs : null };
}

const ENDED: ReadonlySet<PipelineState> = new Set(["completed", "failed", "revoked"]);

export function isOver({ state }: Pipeline): boolean {
  return ENDED.has(state);
}

/** It has no consensus, and goes on only by a person's word or a fallback. */
export function awaitsFallback({ state, run }: Pipeline): boolean {
  return state === "orchestrating" && run.failure !== null;
}

/** What time, its tasks or its topic make of a pipeline now; undefined where there is nothing to do. */
export function nextMove(view: PipelineView, nowMs: number): PipelineMove | undefined {
  const { state } = view.pipeline;
  if (state === "running") return nextOfRunning(view, nowMs);
  if (state === "orchestrating") return nextOfOrchestrating(view, nowMs);
  return undefined;
}

function nextOfRunning(view: PipelineView, nowMs: number): PipelineMove | undefined {
  const { run, template } = view.pipeline;
  const two = run.parts.filter(({ role }) => role !== "gamma").map((part) => taskOf(view, part));
  const gamma = run.parts.find(({ role }) => role === "gamma");
  if (two.every((task) => hasEnded(task))) return { kind: "report", why: "Both have ended." };
  if (gamma !== undefined && taskOf(view, gamma)?.state === "done") {
    return { kind: "report", why: "GAMMA has brought what was missing." };
  }
  if (nowMs >= run.deadlineMs) return { kind: "report", why: "The deadline has come." };
  const stuck = stuckIn(view);
  if (gamma !== undefined || stuck === undefined) return undefined;
  if (nowMs - stuck.sinceMs <= template.stuckAfterMs) return undefined;
  return { kind: "spawn_gamma", why: stuck.why };
}

interface Stuck {
  readonly sinceMs: number;
  readonly why: string;
}

/**
 * Since when the two cannot go on: a task was left by its agent and nobody took it up, or they wait for
 * one another. Silence of an agent at work is not being stuck; nor is a failure, which waits and is
 * tried again.
 */
function stuckIn(view: PipelineView): Stuck | undefined {
  const two = view.pipeline.run.parts.filter(({ role }) => role !== "gamma");
  const tasks = two.flatMap((part) => taskOf(view, part) ?? []);
  for (const { id, state, attemptNo, readyAtMs, notBeforeMs } of tasks) {
    const wasLeft = state === "ready" && attemptNo > 0 && notBeforeMs === null;
    if (wasLeft && readyAtMs !== null) {
      return { sinceMs: readyAtMs, why: `${id} was left and nobody has taken it up.` };
    }
  }
  const [one, other] = tasks;
  if (one === undefined || other === undefined) return undefined;
  if (waitsFor(one, other) && waitsFor(other, one)) {
    const sinceMs = Math.max(one.updatedAtMs, other.updatedAtMs);
    return { sinceMs, why: `${one.id} and ${other.id} wait for one another.` };
  }
  return undefined;
}

function waitsFor(task: Task, other: Task): boolean {
  return task.state === "blocked" && task.blocker?.blockedBy === other.id;
}

function nextOfOrchestrating(
  { pipeline, topic }: PipelineView,
  nowMs: number,
): PipelineMove | undefined {
  if (topic === undefined) return undefined;
  const stuckMs = nowMs - revoteSinceMs(topic);
  if (stuckMs > pipeline.template.stuckAfterMs) {
    return { kind: "mediate", why: "All have voted, and there was no winner." };
  }
  const { decision } = topic;
  if (topic.state === "decided" && decision !== null) {
    const { winner: solution, by, reason } = decision;
    const isByPerson = by === "person";
    return {
      kind: "complete",
      outcome: {
        solution,
        commit: null,
        by: isByPerson ? "person" : "vote",
        partial: false,
        reason,
      },
    };
  }
  if (topic.state === "withdrawn") return { kind: "fail", why: `${topic.id} was withdrawn.` };
  if (topic.state !== "no_consensus" || pipeline.run.failure !== null) return undefined;
  return { kind: "no_consensus", why: decision?.reason ?? "No solution was chosen." };
}

/** All have voted without a winner: since when they vote again; Infinity where they do not. */
function revoteSinceMs({ state, round, decision, voteUntilMs, voteSeconds }: Topic): number {
  const isRevote = state === "voting" && round === 2 && decision === null;
  return isRevote && voteUntilMs !== null ? voteUntilMs - voteSeconds * 1000 : Infinity;
}

/** Tasks whose work is over, one way or another. */
const OVER: ReadonlySet<TaskState> = new Set(["done", "failed", "cancelled"]);

function hasEnded(task: Task | undefined): boolean {
  return task === undefined || OVER.has(task.state);
}

function taskOf({ tasks }: PipelineView, { taskId }: RolePart): Task | undefined {
  return tasks.get(taskId);
}

/** The parts whose work is done, with their agents: what goes on the board. */
export function reportedParts(view: PipelineView): readonly { part: RolePart; task: Task }[] {
  return view.pipeline.run.parts.flatMap((part) => {
    const task = taskOf(view, part);
    return task?.state === "done" ? [{ part, task }] : [];
  });
}

/** Parts that are not waited for any longer. */
export function openParts(view: PipelineView): readonly Task[] {
  return view.pipeline.run.parts.flatMap((part) => {
    const task = taskOf(view, part);
    return task === undefined || OVER.has(task.state) ? [] : [task];
  });
}
