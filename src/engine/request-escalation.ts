import { GuvnorError } from "../core/errors.ts";
import { isUnended, type Escalation } from "../core/escalation.ts";
import { callingAgent, type CallContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { settleDueClimbs } from "./climb-escalations.ts";
import { raiseEscalation } from "./escalations.ts";
import { requireTask } from "./find-rows.ts";
import type { Outcome } from "./operation.ts";
import { iso, present } from "./task-view.ts";

export interface EscalationRequest {
  readonly kind?: Escalation["kind"] | undefined;
  readonly severity?: Escalation["severity"] | undefined;
  readonly summary?: string | undefined;
  readonly detail?: string | undefined;
  readonly task_id?: string | undefined;
  /** Asks again for an earlier one; nothing else counts then. */
  readonly escalation_id?: string | undefined;
}

/** Puts a question before who should answer it, or asks what became of one; both may wait for the answer. */
export async function requestEscalation(
  ctx: CallContext,
  asked: EscalationRequest,
): Promise<Outcome> {
  await settleDueClimbs(ctx);
  const escalation =
    asked.escalation_id === undefined
      ? await raise(ctx, asked)
      : await requireOwn(ctx, asked.escalation_id);
  const answer = answerFor(escalation);
  return {
    answer,
    target: escalation.id,
    follow: async (tx) => {
      const now = (await tx.escalations.get(escalation.id)) ?? escalation;
      return { answer: answerFor(now), settled: !isUnended(now) };
    },
  };
}

async function raise(ctx: CallContext, asked: EscalationRequest): Promise<Escalation> {
  const agent = callingAgent(ctx);
  const { kind, summary } = asked;
  if (kind === undefined || summary === undefined) {
    throw new GuvnorError(
      "input_invalid",
      "A new escalation needs a kind and a summary.",
      "Add them, or name an earlier one with escalation_id.",
    );
  }
  const task = asked.task_id === undefined ? undefined : await requireTask(ctx, asked.task_id);
  return await raiseEscalation(ctx, {
    kind,
    severity: asked.severity ?? "medium",
    summary,
    detail: asked.detail ?? null,
    taskId: task?.id ?? null,
    topicId: null,
    raisedBy: agent.name,
    forPeople: false,
  });
}

/** What another agent asked a person is not for this one to read. */
async function requireOwn(ctx: CallContext, id: string): Promise<Escalation> {
  const { name } = callingAgent(ctx);
  const escalation = await ctx.tx.escalations.get(id);
  if (escalation !== undefined && escalation.raisedBy === name) return escalation;
  throw new GuvnorError(
    "escalation_not_found",
    `You have raised no escalation "${id.slice(0, 32)}".`,
    "Use an escalation_id that request_escalation gave you.",
  );
}

function answerFor(escalation: Escalation): JsonObject {
  return present({
    escalation_id: escalation.id,
    level: escalation.level,
    state: escalation.state,
    resolution: escalation.resolution?.text,
    resolved_by: escalation.state === "resolved" ? escalation.resolvedBy : null,
    due_at: iso(escalation.dueAtMs),
    next: nextStep(escalation),
  });
}

function nextStep(escalation: Escalation): string {
  if (escalation.state === "resolved") {
    const untilMs = escalation.resolution?.untilMs ?? null;
    const until = untilMs === null ? "" : ` This exception ends at ${iso(untilMs)}.`;
    return `Go on as the resolution says.${until}`;
  }
  if (escalation.state === "withdrawn") return "It was withdrawn: decide yourself or ask anew.";
  return `Take other work; the answer comes to your inbox. To wait: request_escalation {"escalation_id":"${escalation.id}","wait_seconds":25}.`;
}
