import { z } from "zod";

import type { EscalationState } from "../../core/escalation.ts";
import type { Operation } from "../operation.ts";
import {
  acknowledgeEscalation,
  describeEscalation,
  resolveEscalation,
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
  input: z.strictObject({ escalation_id: escalationId, text }),
  handle: resolveEscalation,
});

const escalationsList = definePersonOperation({
  name: "escalations_list",
  input: z.strictObject({ all: z.boolean().optional() }),
  handle: async (ctx, { all = false }) => {
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
  escalationsList,
];
