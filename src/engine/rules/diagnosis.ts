import type { WriteContext } from "../call-context.ts";
import { insertTask } from "../new-task.ts";

/** Entries of the agent's that show what went wrong. */
const SHOWN = 10;

/** A task to find out why an agent was revoked, with its last errors as evidence. */
export async function makeDiagnosis(
  ctx: WriteContext,
  agent: string,
  why: string,
): Promise<string> {
  const entries = await ctx.tx.audit.search({ actor: agent, newestFirst: true, limit: SHOWN });
  const seen = entries.map(({ seq }) => `#${seq}`).join(", ");
  return await insertTask(ctx, {
    createdBy: "guvnor",
    planId: null,
    task: {
      key: `diagnose-${agent}`,
      title: `Find out why ${agent} was revoked`,
      body: `${why}\n\nIts last entries in the ledger: ${seen}. Read them (guvnor audit show), find the cause, and say in your note what has to change before ${agent} may work again.`,
      kind: "diagnose",
      priority: 80,
      gates: [],
    },
  });
}
