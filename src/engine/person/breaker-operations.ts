import { z } from "zod";

import { GuvnorError } from "../../core/errors.ts";
import { callingPerson } from "../call-context.ts";
import type { Operation, Outcome } from "../operation.ts";
import { closeBreaker } from "../rules/breakers.ts";
import { breakerRow, openBreakers } from "../rules/open-breakers.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const listBreakers = definePersonOperation({
  name: "breakers_list",
  input: z.strictObject({}),
  handle: async (ctx): Promise<Outcome> => {
    const { settings } = await rulesInForce(ctx);
    const open = await openBreakers(ctx.tx, settings, ctx.nowMs);
    return { answer: { breakers: open.map(breakerRow) } };
  },
});

const close = definePersonOperation({
  name: "breakers_close",
  input: z.strictObject({
    /** As breakers_list names it: "agent:ada", "tool:vote". */
    subject: z.string().min(1).max(80),
  }),
  handle: async (ctx, { subject }): Promise<Outcome> => {
    callingPerson(ctx);
    if (!(await closeBreaker(ctx, subject))) {
      throw new GuvnorError(
        "state_conflict",
        `No breaker of ${subject} is open.`,
        "See which are: guvnor breakers list",
      );
    }
    return { answer: { subject, state: "closed" }, target: subject };
  },
});

export const breakerOperations: readonly Operation[] = [listBreakers, close];
