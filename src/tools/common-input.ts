import { z } from "zod";

/** Pieces that several tools share; short descriptions, as every token is read by every agent. */

export const session = z.string().max(128).optional().describe("from register_agent");

/** Repeating a call under the same id gives the same answer and does nothing twice. */
export const requestId = z.string().min(1).max(128).optional();

export const waitSeconds = z.number().min(0).max(50).optional();

export const taskId = z.string().max(32);

export const agentName = z.string().min(1).max(64);

export const title = z.string().trim().min(1).max(200);

export const body = z.string().max(20_000);

/** In every answer, but only when something waits for the agent. */
export const inboxField = z
  .object({
    counts: z.record(z.string(), z.number()),
    first: z.looseObject({ id: z.string(), from: z.string(), text: z.string() }),
    next: z.string(),
  })
  .optional();
