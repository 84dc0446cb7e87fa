import { z } from "zod";

import { TIERS } from "../../core/agent.ts";
import { GuvnorError } from "../../core/errors.ts";
import { enrol } from "../../core/token.ts";
import type { NamedToken } from "../../store/store.ts";
import { callingPerson, type CallContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import type { Operation, Outcome } from "../operation.ts";
import { revokeEnrolment } from "../rules/revoke-agent.ts";
import { shortOf } from "../rules/tokens.ts";
import { iso, present } from "../task-view.ts";
import { definePersonOperation } from "./define-person-operation.ts";

const MAX_ROWS = 1000;
const DAY_MS = 86_400_000;
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "a–z, 0–9, dot, dash, underscore");

const enrolOperation = definePersonOperation({
  name: "tokens_enrol",
  input: z.strictObject({
    name,
    /** Globs over tools. */
    tools: z.array(z.string().min(1).max(64)).min(1).max(50).optional(),
    tier: z.enum(TIERS).optional(),
    /** Who answers for its agents, and so does not approve what they ask; nobody if omitted. */
    principal: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/, "a person's name, as roles name people")
      .optional(),
    /** Only for this agent. */
    agent: z.string().min(1).max(64).optional(),
    days: z.int().min(1).max(3650).optional(),
  }),
  handle: async (ctx, asked): Promise<Outcome> => {
    callingPerson(ctx);
    if ((await ctx.tx.tokens.named(asked.name)) !== undefined) {
      throw new GuvnorError(
        "state_conflict",
        `There is an enrolment ${asked.name} already.`,
        "Use another name: a revoked one stays known.",
      );
    }
    const secret = ctx.deps.newSecret();
    const token = enrol(
      {
        hash: ctx.deps.sha256(secret),
        agent: asked.agent ?? null,
        scope: {
          tools: asked.tools ?? ["*"],
          project: ctx.deps.scope.project,
          tier: asked.tier ?? "T2",
        },
        expiresAtMs: asked.days === undefined ? null : ctx.nowMs + asked.days * DAY_MS,
      },
      ctx.nowMs,
    );
    // Not the person who enrols: whoever works alone could approve nothing that their agents ask.
    const principal = asked.principal ?? asked.name;
    await ctx.tx.tokens.save({ token, name: asked.name, principal });
    const named = { name: asked.name, principal };
    ctx.effects.push({ type: "token", id: shortOf(token), event: "enrolled", ...named });
    // The only time that anybody sees it: what is stored is its hash.
    return { answer: { ...named, credential: secret }, target: asked.name };
  },
});

const listTokens = definePersonOperation({
  name: "tokens_list",
  input: z.strictObject({
    kind: z.enum(["enrolment", "access"]).optional(),
    all: z.boolean().optional(),
  }),
  handle: async ({ tx }, { kind, all = false }): Promise<Outcome> => {
    const found = await tx.tokens.list({
      withRevoked: all,
      limit: MAX_ROWS,
      ...(kind === undefined ? {} : { kind }),
    });
    const tokens = [];
    for (const each of found) {
      const { parent } = each.token;
      const from = parent === null ? undefined : await tx.tokens.get(parent);
      tokens.push(tokenRow(each, from?.name ?? null));
    }
    return { answer: { tokens } };
  },
});

const revokeOperation = definePersonOperation({
  name: "tokens_revoke",
  input: z.strictObject({ name, reason: z.string().trim().min(1).max(2000) }),
  handle: async (ctx, asked): Promise<Outcome> => {
    const person = callingPerson(ctx);
    const found = await requireEnrolment(ctx, asked.name);
    const why = `${person}: ${asked.reason}`;
    const agents = await revokeEnrolment(ctx, found, why);
    return { answer: { name: asked.name, revoked: true, agents }, target: asked.name };
  },
});

async function requireEnrolment({ tx }: CallContext, wanted: string): Promise<NamedToken> {
  const found = await tx.tokens.named(wanted);
  if (found !== undefined) return found;
  throw new GuvnorError(
    "token_invalid",
    `There is no enrolment ${wanted}.`,
    "See which there are: guvnor tokens list",
  );
}

/** @param from - The enrolment, or login elsewhere, that it hangs on. */
function tokenRow({ token, name: named, principal }: NamedToken, from: string | null): JsonObject {
  return present({
    id: shortOf(token),
    kind: token.kind,
    name: named,
    agent: token.agent,
    from,
    principal,
    tier: token.scope.tier,
    tools: token.scope.tools,
    issued_at: iso(token.issuedAtMs),
    expires_at: token.expiresAtMs === null ? null : iso(token.expiresAtMs),
    revoked_at: token.revokedAtMs === null ? null : iso(token.revokedAtMs),
    revoked_why: token.revokedWhy,
  });
}

export const tokenOperations: readonly Operation[] = [enrolOperation, listTokens, revokeOperation];
