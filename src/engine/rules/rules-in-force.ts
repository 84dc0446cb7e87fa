import { GuvnorError } from "../../core/errors.ts";
import { NO_SETTINGS, type PolicySet, type ProjectSettings } from "../../core/settings.ts";
import type { Task } from "../../core/task.ts";
import type { CompiledPolicy } from "../../policy/compile-policy.ts";
import type { Project } from "../../store/store.ts";
import type { ReadContext } from "../call-context.ts";
import type { EngineDeps } from "../deps.ts";

/** What a person applied last, ready to decide. */
export interface RulesInForce {
  readonly project: Project | undefined;
  readonly hash: string | null;
  readonly settings: ProjectSettings;
  readonly policy: CompiledPolicy;
  /** Why agents are refused whatever they call: rules that cannot be read might forbid it. */
  readonly problem: GuvnorError | undefined;
}

/** Each process compiles a version once; which one is in force is read in every transaction. */
const compiled = new WeakMap<EngineDeps, Omit<RulesInForce, "project">>();

export async function rulesInForce({ deps, tx }: ReadContext): Promise<RulesInForce> {
  const project = await tx.projects.get();
  const hash = project?.policyHash ?? null;
  const known = compiled.get(deps);
  if (known !== undefined && known.hash === hash) return { ...known, project };
  const applied = hash === null ? undefined : await tx.policies.get(hash);
  const settings = settingsOf(deps, applied);
  const fresh = { hash, settings, ...compileOrDeny(deps, settings) };
  compiled.set(deps, fresh);
  return { ...fresh, project };
}

/** Names of the gates that measure this task: its own list, or all in force. */
export async function gatesOf(
  ctx: ReadContext,
  { spec }: Pick<Task, "spec">,
): Promise<readonly string[]> {
  return spec.gates ?? Object.keys((await rulesInForce(ctx)).settings.gates);
}

/** It was compiled when it was applied, by a version of guvnor that may have had other tools. */
function compileOrDeny(
  deps: EngineDeps,
  settings: ProjectSettings,
): Pick<RulesInForce, "policy" | "problem"> {
  const { tiers } = settings;
  const tools = deps.toolTypes();
  try {
    return { policy: deps.policy.compile(settings, tools), problem: undefined };
  } catch (error) {
    if (!(error instanceof GuvnorError)) throw error;
    deps.log.error({ err: error }, "the rules in force cannot be read: agents are refused");
    const none = { policy: { default: "deny", rules: [] }, limits: [], tiers } as const;
    return { policy: deps.policy.compile(none, tools), problem: error };
  }
}

/** As they were applied; a version that was stored before one of their parts was known is read again. */
function settingsOf({ policy }: EngineDeps, applied: PolicySet | undefined): ProjectSettings {
  if (applied === undefined) return NO_SETTINGS;
  const isWhole = Object.keys(NO_SETTINGS).every((part) => Object.hasOwn(applied.settings, part));
  return isWhole ? applied.settings : policy.load(applied.source, "guvnor.yaml");
}
