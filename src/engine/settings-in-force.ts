import { NO_SETTINGS, type ProjectSettings } from "../core/settings.ts";
import type { Task } from "../core/task.ts";
import type { ReadTx } from "../store/store.ts";

/** What a person applied last; the default profile where nobody has. */
export async function settingsInForce(tx: ReadTx): Promise<ProjectSettings> {
  const hash = (await tx.projects.get())?.policyHash;
  if (hash === undefined || hash === null) return NO_SETTINGS;
  const set = await tx.policies.get(hash);
  // One from before there were rules lacks them until it is applied again.
  return { ...NO_SETTINGS, ...set?.settings };
}

/** Names of the gates that measure this task: its own list, or all in force. */
export async function gatesOf(tx: ReadTx, task: Pick<Task, "spec">): Promise<readonly string[]> {
  return task.spec.gates ?? Object.keys((await settingsInForce(tx)).gates);
}
