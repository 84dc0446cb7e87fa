import { OPEN_STATES, TASK_STATES } from "../core/task.ts";
import type { CallContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { present } from "./task-view.ts";

const SHOWN = 5;
const DEFAULT_RETRY_SECONDS = 25;

/**
 * Why nothing was granted, what is waited for, and what to do: an agent never has to guess.
 * @param toAskFor - Ready tasks that it would get if a person approved it.
 */
export async function explainNone(
  ctx: CallContext,
  capabilities: ReadonlySet<string>,
  toAskFor: readonly string[],
): Promise<JsonObject> {
  const { tasks } = ctx.tx;
  const first = toAskFor.slice(0, SHOWN);
  const asked = await askedFor(ctx, first);
  const unasked = first.find((id) => !asked.includes(id));
  if (unasked !== undefined) {
    return present({
      reason: "nothing_ready",
      needs_approval: first,
      next: `A person must approve what is ready: ask for it with request_task {"task_id":"${unasked}"}.`,
    });
  }
  if (!(await tasks.hasAny(OPEN_STATES)) && (await tasks.hasAny(TASK_STATES))) {
    return {
      reason: "plan_finished",
      next: "Nothing is left to do: end your turn; you will be started again.",
    };
  }
  const lacking = await missingCapabilities(ctx, capabilities);
  if (lacking.length > 0 && !(await tasks.hasAny(["running", "review"]))) {
    return {
      reason: "no_capability",
      missing_capabilities: lacking,
      next: "All ready tasks need capabilities that you lack: end your turn; you will be started again.",
    };
  }
  const notBefore = await tasks.nextNotBefore(ctx.nowMs);
  const retry =
    notBefore === undefined
      ? DEFAULT_RETRY_SECONDS
      : Math.max(1, Math.ceil((notBefore - ctx.nowMs) / 1000));
  // Nothing is under way: what is open waits for what failed, was cancelled, or for a person.
  const isStuck =
    (await tasks.hasAny(OPEN_STATES)) && !(await tasks.hasAny(["running", "review", "ready"]));
  if (isStuck) {
    const inTheWay = await tasks.list({ states: ["blocked", "failed"], limit: SHOWN });
    return present({
      reason: "nothing_ready",
      waiting_on: inTheWay.map(({ id, state, holder }) => present({ id, state, holder })),
      next: "Nothing will come until a person acts: end your turn; you will be started again.",
    });
  }
  const waitingOn = await tasks.list({
    states: ["running", "blocked", "review"],
    limit: SHOWN,
  });
  return {
    reason: lacking.length > 0 ? "no_capability" : "nothing_ready",
    ...(lacking.length === 0 ? {} : { missing_capabilities: lacking }),
    ...(waitingOn.length === 0
      ? {}
      : {
          waiting_on: waitingOn.map(({ id, state, holder }) => present({ id, state, holder })),
        }),
    retry_after_seconds: retry,
    next: 'Call request_task {"wait_seconds":25} again to wait for work, or end your turn.',
  };
}

async function missingCapabilities(
  ctx: CallContext,
  capabilities: ReadonlySet<string>,
): Promise<string[]> {
  const lacking = new Set<string>();
  for (const needs of await ctx.tx.tasks.readyNeeds()) {
    const missing = needs.filter((need) => !capabilities.has(need));
    // One that it could do is there, and only waits for its retry time.
    if (missing.length === 0) return [];
    for (const need of missing) lacking.add(need);
  }
  return [...lacking].toSorted();
}

/** Those of them that people were asked about, or have granted. */
async function askedFor(ctx: CallContext, ids: readonly string[]): Promise<readonly string[]> {
  const asked: string[] = [];
  for (const id of ids) {
    const held = await ctx.tx.approvals.ofTask(id);
    const isOpen = held.some(
      ({ approval: { tool, requester, state } }) =>
        tool === "request_task" &&
        requester.agent === ctx.agent?.name &&
        (state === "requested" || state === "granted"),
    );
    if (isOpen) asked.push(id);
  }
  return asked;
}
