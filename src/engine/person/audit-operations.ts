import { z } from "zod";

import { commitInput } from "../../core/audit-chain.ts";
import { GuvnorError } from "../../core/errors.ts";
import { isUnsealed } from "../../core/topic-decisions.ts";
import type { CallContext } from "../call-context.ts";
import type { Operation, Outcome } from "../operation.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const entryBody = z.looseObject({ action: z.string(), input_commitment: z.string().nullable() });
const ballotPayload = z.looseObject({ topic_id: z.string() });
const questionPayload = z.looseObject({ tool: z.literal("vote"), input: z.unknown() });

/** Reading the ledger leaves no trace in it; taking it away or opening a payload does. */

const exportLedger = definePersonOperation({
  name: "audit_export",
  input: z.strictObject({
    format: z.literal("jsonl"),
    /** Where the caller puts it; for the ledger only. */
    out: z.string().max(1024).optional(),
  }),
  handle: async ({ tx }, { format }): Promise<Outcome> => {
    const head = await tx.audit.head();
    const entries = head?.seq ?? 0;
    return {
      answer: { format, entries, ...(head === undefined ? {} : { head_hash: head.hash }) },
      target: `#1-#${entries}`,
    };
  },
});

const showPayload = definePersonOperation({
  name: "audit_payload",
  input: z.strictObject({ seq: z.int().min(1) }),
  handle: async (ctx, { seq }): Promise<Outcome> => {
    const entry = await ctx.tx.audit.get(seq);
    if (entry === undefined) throw noEntry(seq);
    const { action, input_commitment: commitment } = entryBody.parse(JSON.parse(entry.body));
    const target = `#${seq}`;
    if (commitment === null) return { answer: { seq, stored: false }, target };
    const found = await ctx.tx.audit.payload(seq);
    if (found === undefined) return { answer: { seq, commitment, stored: false }, target };
    const ballot = ballotIn(action, JSON.parse(found.payload));
    if (ballot !== undefined) await refuseSealed(ctx, ballot);
    const { nonce, payload } = found;
    const holds = commitInput(nonce, payload) === commitment;
    return { answer: { seq, commitment, stored: true, nonce, payload, holds }, target };
  },
});

/** The ballot that a call brought, cast or only asked about. */
function ballotIn(action: string, payload: unknown): { readonly ballot: unknown } | undefined {
  if (action === "vote") return { ballot: payload };
  const question = action === "check_policy" ? questionPayload.safeParse(payload) : undefined;
  return question?.success === true ? { ballot: question.data.input } : undefined;
}

/**
 * What is on a ballot nobody sees before the vote is over, not even a person. One that names no topic
 * was refused; its sender may have cast the same one elsewhere, so it stays sealed.
 */
async function refuseSealed(
  ctx: CallContext,
  { ballot }: { readonly ballot: unknown },
): Promise<void> {
  const read = ballotPayload.safeParse(ballot);
  const topic = read.success ? await ctx.tx.topics.get(read.data.topic_id) : undefined;
  if (topic !== undefined && isUnsealed(topic)) return;
  throw new GuvnorError(
    "state_conflict",
    topic === undefined
      ? "This is a ballot on a topic that is not there; it stays sealed."
      : `This is a ballot on ${topic.id}, which is sealed until the vote is over.`,
    topic === undefined
      ? "See the topics with: guvnor board list"
      : `Look again when it is: guvnor board show ${topic.id}`,
  );
}

function noEntry(seq: number): GuvnorError {
  return new GuvnorError(
    "input_invalid",
    `The ledger has no entry #${seq}.`,
    "See the last ones with: guvnor audit tail",
  );
}

export const auditOperations: readonly Operation[] = [exportLedger, showPayload];
