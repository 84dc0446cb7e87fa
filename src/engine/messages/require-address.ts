import { parseAddress, textOfAddress, type Address } from "../../core/channel.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { ReadContext } from "../call-context.ts";
import { requireTask, requireTopic } from "../find-rows.ts";

/**
 * Where something is to be said.
 * @throws {GuvnorError} `agent_unknown`, `task_not_found` or `topic_not_found` where there is nobody
 *   and nothing of that name; a channel comes to be by being named.
 */
export async function requireAddress(ctx: ReadContext, text: string): Promise<Address> {
  const address = parseAddress(text);
  if (address?.kind === "person") {
    throw new GuvnorError(
      "agent_unknown",
      "A person has no inbox here.",
      "Ask people with request_escalation; answer them where others read it, such as #all or the task.",
    );
  }
  if (address?.kind === "task") await requireTask(ctx, address.id);
  if (address?.kind === "topic") await requireTopic(ctx, address.id);
  const isThere =
    address !== undefined &&
    (address.kind !== "agent" || (await ctx.tx.agents.get(textOfAddress(address))) !== undefined);
  if (isThere) return address;
  throw new GuvnorError(
    "agent_unknown",
    `No agent is called "${text.slice(0, 64)}".`,
    'Name a registered agent, a task such as T12, a topic such as B1, "#all", or a role or channel such as "#reviewer" (lower case).',
  );
}
