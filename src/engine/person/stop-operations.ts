import { z } from "zod";

import { GuvnorError } from "../../core/errors.ts";
import type { StopScope } from "../../core/stop.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import type { Operation, Outcome } from "../operation.ts";
import { limitsThatStop } from "../rules/limits.ts";
import { resumeWork } from "../rules/resume-work.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";
import { addStop, endStop, nameOfScope, openStops } from "../rules/stops.ts";
import { iso, present } from "../task-view.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const scope = {
  /** Of one agent; without it the whole project is meant, or everything. */
  agent: z.string().min(1).max(64).optional(),
  all: z.boolean().optional(),
};

const stop = definePersonOperation({
  name: "stop",
  input: z.strictObject({ ...scope, reason: z.string().trim().min(1).max(2000) }),
  handle: async (ctx, asked): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const wanted = await scopeOf(ctx, asked);
    const isNew = await addStop(ctx, { scope: wanted, reason: asked.reason, by: person });
    return {
      answer: { scope: nameOfScope(wanted), stopped: true, changed: isNew },
      target: nameOfScope(wanted),
    };
  },
});

const resume = definePersonOperation({
  name: "resume",
  input: z.strictObject(scope),
  handle: async (ctx, asked): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const wanted = await scopeOf(ctx, asked);
    const ended = await endStop(ctx, wanted, person);
    if (ended === undefined) {
      throw new GuvnorError(
        "state_conflict",
        `${nameOfScope(wanted)} is not stopped.`,
        "See what is: guvnor status",
      );
    }
    const reports = await resumeWork(ctx, ended);
    const { settings } = await rulesInForce(ctx);
    const again = await limitsThatStop(ctx, settings.limits, ended.by);
    const still = await openStops(ctx.tx);
    return {
      answer: {
        scope: nameOfScope(wanted),
        resumed: true,
        reports_taken: reports,
        still_stopped: still.map((each) => nameOfScope(each.scope)),
        stops_again: again.map(({ subject, limit, retryAfterMs }) => {
          const seconds = retryAfterMs === null ? null : Math.ceil(retryAfterMs / 1000);
          const wait = seconds === null ? "" : `, or wait ${seconds} seconds and resume then`;
          return present({
            limit: limit.id,
            of: subject,
            retry_after_seconds: seconds,
            fix: `Raise limit ${limit.id} in guvnor.yaml (guvnor policy apply)${wait}.`,
          });
        }),
      },
      target: nameOfScope(wanted),
    };
  },
});

const listStops = definePersonOperation({
  name: "stops_list",
  input: z.strictObject({}),
  handle: async ({ tx }): Promise<Outcome> => ({
    answer: {
      stops: (await openStops(tx)).map((each) => ({
        scope: nameOfScope(each.scope),
        reason: each.reason,
        by: each.by,
        since: iso(each.sinceMs),
      })),
    },
  }),
});

async function scopeOf(
  { tx, deps }: CallContext,
  { agent, all }: { agent?: string | undefined; all?: boolean | undefined },
): Promise<StopScope> {
  if (all === true) return { kind: "all" };
  const { project } = deps.scope;
  if (agent === undefined) return { kind: "project", project };
  if ((await tx.agents.get(agent)) !== undefined) return { kind: "agent", project, agent };
  throw new GuvnorError(
    "agent_unknown",
    `There is no agent ${agent}.`,
    "See who there is: guvnor agents list",
  );
}

export const stopOperations: readonly Operation[] = [stop, resume, listStops];
