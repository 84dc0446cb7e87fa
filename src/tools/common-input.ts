import { z } from "zod";

const MAX_VALUES_LENGTH = 32_768;

/** What many tools take; short, as the model reads it with each of them. */

export const session = z.string().max(128).optional();

// Refined and not `min(1)`: what is not in the schema costs a model nothing.
export const requestId = z
  .string()
  .max(64)
  .refine((id) => id !== "", "not empty")
  .optional();

export const waitSeconds = z.int().min(0).max(50).optional();

export const taskId = z.string().max(32);

export const agentName = z.string().max(64);

export const title = z.string().min(1).max(200).refine(isSaid, "must not be blank");

export function isSaid(text: string): boolean {
  return text.trim() !== "";
}

/** Named values that go into the briefs of other tasks: models read them. */
export const values = z
  .record(z.string().max(200), z.json())
  .refine(
    (record) => JSON.stringify(record).length <= MAX_VALUES_LENGTH,
    `at most ${MAX_VALUES_LENGTH} characters of JSON; keep more in a file and name it`,
  );

/** A list whose bounds hold where it is parsed; a model need not read them. */
export function texts(most: number, length: number): z.ZodType<string[]> {
  return z
    .array(z.string())
    .max(most)
    .refine(
      (list) => list.every((text) => text.length > 0 && text.length <= length),
      `each of 1 to ${length} characters`,
    );
}

export const body = z.string().max(20_000);

/** In every answer, but only when something waits for the agent. Short too: each tool publishes it. */
export const inboxField = z
  .object({ counts: z.record(z.string(), z.number()), next: z.string() })
  .optional();
