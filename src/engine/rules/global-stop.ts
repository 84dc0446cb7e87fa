import type { Stop } from "../../core/stop.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import type { GlobalStop } from "../ports.ts";
import { resumeWork } from "./resume-work.ts";
import { addStop, endStop, readStops } from "./stops.ts";

/**
 * What a person said for all projects of this user comes into this one's store, where it latches:
 * it is over only when a person says so here, or for all again.
 */
export async function followGlobalStop(ctx: WriteContext): Promise<void> {
  const said = ctx.deps.globalStop();
  if (said === undefined || !(await isNews(ctx.tx, said))) return;
  if (said.state === "stopped") {
    const { reason, by, atMs } = said;
    await addStop(ctx, { scope: { kind: "all" }, reason, by }, atMs);
  } else {
    const ended = await endStop(ctx, { kind: "all" }, said.by, said.atMs);
    if (ended !== undefined) await resumeWork(ctx, ended);
  }
}

/**
 * Whether it changes anything here: what was said later stands, so an old word put back does nothing.
 * Compared are the times of the words, each of which is later than the one before (writeGlobalStop),
 * not when they came here: the clock may have been set meanwhile.
 */
export async function isNews(tx: ReadTx, { state, atMs, keyHash }: GlobalStop): Promise<boolean> {
  const stops = (await readStops(tx)).filter(({ scope }) => scope.kind === "all");
  const held = stops.find(({ endedAtMs }) => endedAtMs === null);
  if (state === "resumed") {
    if (held === undefined || held.sinceMs > atMs) return false;
    // Another key, in a configuration directory of an agent's making, vouches for nobody.
    const known = (await tx.projects.get())?.operatorKeyHash ?? null;
    return known === null || known === keyHash;
  }
  return held === undefined && stops.every((stop) => endedBefore(stop, atMs));
}

function endedBefore({ endedAtMs }: Stop, atMs: number): boolean {
  return endedAtMs === null || endedAtMs < atMs;
}
