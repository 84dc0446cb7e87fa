import { GuvnorError } from "../../core/errors.ts";
import { raiseStop, resume, stopFor, type Stop, type StopScope } from "../../core/stop.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import { PROJECT_SUBJECT, type Guards, readGuards } from "./guards.ts";
import { emitEvent } from "./outbox.ts";

/** Ended stops that are kept, for clocks that stood still meanwhile. */
const KEPT = 50;

/** All stops of the project, ended ones included. */
export async function readStops(tx: ReadTx): Promise<readonly Stop[]> {
  return stopsOf(await readGuards(tx, [PROJECT_SUBJECT]));
}

/** Those that hold. */
export async function openStops(tx: ReadTx): Promise<readonly Stop[]> {
  return (await readStops(tx)).filter(({ endedAtMs }) => endedAtMs === null);
}

export function stopsOf(guards: Guards): readonly Stop[] {
  return guards.state(PROJECT_SUBJECT, "stop", "") ?? [];
}

/** The stop that holds for an agent, or (for null) for the project as a whole. */
export async function readStopFor(tx: ReadTx, agent: string | null): Promise<Stop | undefined> {
  return stopFor(await readStops(tx), { project: tx.scope.project, agent });
}

/** @returns False where this very scope was stopped already. */
export async function addStop(
  ctx: WriteContext,
  given: Pick<Stop, "scope" | "reason" | "by">,
  atMs = ctx.nowMs,
): Promise<boolean> {
  const stops = await readStops(ctx.tx);
  const stop = raiseStop(stops, given, atMs);
  if (stop === undefined) return false;
  await saveStops(ctx, [...stops, stop]);
  await tell(ctx, "stopped", stop);
  return true;
}

/** @returns The stop that is over; undefined where this very scope was not stopped. */
export async function endStop(
  ctx: WriteContext,
  scope: StopScope,
  by: string,
  atMs = ctx.nowMs,
): Promise<Stop | undefined> {
  const stops = await readStops(ctx.tx);
  const ended = resume(stops, scope, { by, nowMs: atMs });
  if (ended === undefined) return undefined;
  const others = stops.filter(
    (stop) => !(stop.endedAtMs === null && sameScope(stop.scope, ended.scope)),
  );
  await saveStops(ctx, [...others, ended]);
  await tell(ctx, "resumed", ended);
  return ended;
}

/** A limit or a violation stops the whole project. */
export async function raiseProjectStop(
  ctx: WriteContext,
  { by, reason }: { by: string; reason: string },
): Promise<void> {
  const { project } = ctx.deps.scope;
  await addStop(ctx, { scope: { kind: "project", project }, by, reason });
}

async function saveStops(ctx: WriteContext, stops: readonly Stop[]): Promise<void> {
  const open = stops.filter(({ endedAtMs }) => endedAtMs === null);
  const ended = stops.filter(({ endedAtMs }) => endedAtMs !== null).slice(-KEPT);
  const state = [...ended, ...open];
  await ctx.tx.guards.save({ subject: PROJECT_SUBJECT, kind: "stop", name: "", state });
}

async function tell(ctx: WriteContext, event: "stopped" | "resumed", stop: Stop): Promise<void> {
  const id = nameOfScope(stop.scope);
  const by = event === "stopped" ? stop.by : (stop.endedBy ?? "");
  ctx.effects.push({ type: "stop", id, event, by, reason: stop.reason });
  await emitEvent(ctx, event, { scope: id, by, reason: stop.reason });
  ctx.tx.wake();
}

export function nameOfScope(scope: StopScope): string {
  return scope.kind === "agent" ? `agent:${scope.agent}` : scope.kind;
}

/** The refusal that a call gets. @param isHeld - Its report is kept. */
export function stopped(stop: Stop, isHeld: boolean): GuvnorError {
  const kept = isHeld ? " Your report is kept and counts when work is resumed." : "";
  return new GuvnorError(
    "stopped",
    `Stopped by ${stop.by}: ${stop.reason}${kept}`,
    "End your turn; you will be started again.",
    { details: { scope: stop.scope.kind, stored: isHeld } },
  );
}

function sameScope(a: StopScope, b: StopScope): boolean {
  return nameOfScope(a) === nameOfScope(b);
}
