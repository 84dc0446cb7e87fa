import { z } from "zod";

import type { EscalationState } from "../../core/escalation.ts";
import { settleDueClimbs } from "../climb-escalations.ts";
import { describeEscalation, describeHistory } from "../describe-escalation.ts";
import { requireEscalation } from "../find-rows.ts";
import type { Operation } from "../operation.ts";
import {
  acknowledgeEscalation,
  resolveEscalation,
  withdrawEscalation,
} from "../resolve-escalation.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const SHOWN = 100;
const OPEN: readonly EscalationState[] = ["open", "acknowledged"];
const ALL: readonly EscalationState[] = [...OPEN, "resolved", "withdrawn"];

const escalationId = z.string().max(32);
const text = z.string().min(1).max(4000);

const escalationsAck = definePersonOperation({
  name: "escalations_ack",
  input: z.strictObject({ escalation_id: escalationId }),
  handle: acknowledgeEscalation,
});

const escalationsResolve = definePersonOperation({
  name: "escalations_resolve",
  input: z.strictObject({
    escalation_id: escalationId,
    text,
    decision: z.boolean().optional(),
    exception_until: z.iso.datetime({ offset: true }).optional(),
  }),
  handle: resolveEscalation,
});

const escalationsWithdraw = definePersonOperation({
  name: "escalations_withdraw",
  input: z.strictObject({ escalation_id: escalationId, reason: text }),
  handle: withdrawEscalation,
});

const escalationsShow = definePersonOperation({
  name: "escalations_show",
  input: z.strictObject({ escalation_id: escalationId }),
  handle: async (ctx, { escalation_id: id }) => {
    await settleDueClimbs(ctx);
    const escalation = await requireEscalation(ctx, id);
    return { answer: describeHistory(escalation, ctx.nowMs), target: id };
  },
});

const escalationsList = definePersonOperation({
  name: "escalations_list",
  input: z.strictObject({ all: z.boolean().optional() }),
  handle: async (ctx, { all = false }) => {
    await settleDueClimbs(ctx);
    const found = await ctx.tx.escalations.list(all ? ALL : OPEN, SHOWN + 1);
    const escalations = found
      .slice(0, SHOWN)
      .map((escalation) => describeEscalation(escalation, ctx.nowMs));
    return { answer: { escalations, ...(found.length > SHOWN ? { more: true } : {}) } };
  },
});

export const escalationOperations: readonly Operation[] = [
  escalationsAck,
  escalationsResolve,
  escalationsWithdraw,
  escalationsList,
  escalationsShow,
];
