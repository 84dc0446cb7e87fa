import type { Project } from "../app.ts";
import { toIso } from "../core/iso-time.ts";
import type { JsonObject } from "../engine/call.ts";
import { isNews } from "../engine/rules/global-stop.ts";
import { breakerRow, openBreakers } from "../engine/rules/open-breakers.ts";
import { rulesInForce } from "../engine/rules/rules-in-force.ts";
import { nameOfScope, openStops } from "../engine/rules/stops.ts";
import { shortTime, textOf, wordOf } from "./answer.ts";
import { given } from "./ask-project.ts";
import { resumeCommand, scopeWords } from "./stop-text.ts";
import type { View } from "./view.ts";

/** Approvals that a status shows. */
const MAX_APPROVALS = 5;

/** What holds agents up, and waits for a person. */
export interface GuardState {
  readonly stops: readonly JsonObject[];
  readonly approvals: readonly JsonObject[];
  /** Those that are open or half open. */
  readonly breakers: readonly JsonObject[];
}

/** Without a call of an agent: what was said for all projects may not have come here yet. */
export async function guardState({ deps }: Project): Promise<GuardState> {
  const said = deps.globalStop();
  return await deps.store.read(deps.scope, async (tx) => {
    const held = await openStops(tx);
    const isOver = said?.state === "resumed" && (await isNews(tx, said));
    const stops: JsonObject[] = held.map(({ scope, reason, by, sinceMs }) => ({
      scope: nameOfScope(scope),
      reason,
      by,
      since: toIso(sinceMs),
      ...(scope.kind === "all" && isOver ? { ends_at_next_call: true } : {}),
    }));
    const isKnown = held.some(({ scope }) => scope.kind === "all");
    if (said?.state === "stopped" && !isKnown) {
      const { reason, by } = said;
      stops.push({ scope: "all", reason, by, begins_at_next_call: true });
    }
    const waiting = await tx.approvals.list("requested", MAX_APPROVALS);
    const approvals = waiting.map(({ approval, reason }) =>
      given({
        id: approval.id,
        agent: approval.requester.agent,
        tool: approval.tool,
        task: approval.taskId ?? undefined,
        why: reason,
      }),
    );
    const { settings } = await rulesInForce({ deps, tx });
    const breakers = (await openBreakers(tx, settings, deps.now())).map(breakerRow);
    return { stops, approvals, breakers };
  });
}

export function stopLines(view: View, stops: readonly JsonObject[]): string[] {
  return stops.flatMap((stop) => {
    const scope = wordOf(stop, "scope");
    if (stop["ends_at_next_call"] === true) {
      return view.sentence(
        `${scopeWords(scope)} may go on; this project follows at its next call.`,
      );
    }
    const since = stop["since"] === undefined ? "" : ` since ${shortTime(stop["since"])}`;
    const text = `STOPPED: ${scopeWords(scope)}${since}, by ${wordOf(stop, "by")}: ${wordOf(stop, "reason")}`;
    const lines = view.sentence(text).map((line) => view.paint("attention", line));
    return [...lines, ...view.hint(goOn(scope, wordOf(stop, "by")))];
  });
}

export function breakerLines(view: View, breakers: readonly JsonObject[]): string[] {
  return breakers.flatMap((breaker) => {
    const until = textOf(breaker, "until");
    const isOpen = breaker["state"] === "open";
    const when =
      until === undefined
        ? "the next call tries"
        : `until ${shortTime(until)}${isOpen ? "" : ", unless a try ends before"}`;
    const of = wordOf(breaker, "subject").replace(":", " ");
    const text = `Breaker of ${of} ${isOpen ? "open" : "half open"}, ${when}: ${wordOf(breaker, "why")}.`;
    return [
      ...view.sentence(text).map((line) => view.paint("attention", line)),
      ...view.hint(`Close it now: guvnor breakers close ${wordOf(breaker, "subject")}`),
    ];
  });
}

/** While a limit is exceeded the next call would stop everything again. */
function goOn(scope: string, by: string): string {
  const command = resumeCommand(scope);
  return by.startsWith("limit:")
    ? `Raise the limit in guvnor.yaml (guvnor policy apply) or wait its time, then: ${command}`
    : `Go on: ${command}`;
}
