import { breakerAt } from "../../core/breaker.ts";
import type { ProjectSettings } from "../../core/settings.ts";
import type { ReadTx } from "../../store/store.ts";
import type { JsonObject } from "../call.ts";
import { iso, present } from "../task-view.ts";
import { wiredOf, whyOpen } from "./breakers.ts";

/** A breaker that does not let everything through. */
export interface OpenBreaker {
  /** "agent:ada", "tool:vote". */
  readonly subject: string;
  readonly phase: "open" | "half_open";
  /** Null where the next call may try. */
  readonly untilMs: number | null;
  readonly why: string;
}

/** All of the project, as the next call would find them. */
export async function openBreakers(
  tx: ReadTx,
  settings: ProjectSettings,
  nowMs: number,
): Promise<readonly OpenBreaker[]> {
  return (await tx.guards.list("breaker")).flatMap(({ subject, state }) => {
    const wired = wiredOf(settings, subject);
    if (wired === undefined) return [];
    const { phase, untilMs } = breakerAt(state, wired.settings, nowMs);
    return phase === "closed" ? [] : [{ subject, phase, untilMs, why: whyOpen(wired) }];
  });
}

export function breakerRow({ subject, phase, untilMs, why }: OpenBreaker): JsonObject {
  return present({ subject, state: phase, until: untilMs === null ? null : iso(untilMs), why });
}
