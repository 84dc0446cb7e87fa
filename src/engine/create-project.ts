import type { Project } from "../store/store.ts";
import type { WriteContext } from "./call-context.ts";
import type { EngineDeps } from "./deps.ts";
import { putInForce } from "./rules/put-in-force.ts";
import { systemAct } from "./system-act.ts";

export interface NewProject {
  readonly name: string;
  readonly root: string | null;
  /** The settings file that lies there when the project is made; it is applied. */
  readonly settings: { readonly source: string; readonly file: string } | undefined;
  /** SHA-256 of the operator's key, where there is one already. */
  readonly operatorKeyHash: string | null;
  readonly by: string;
}

/**
 * Makes the project in its store, or gives one that has no operator's key this one; does nothing
 * where both are there already, and then takes no lock. @returns whether it was made now.
 */
export async function createProject(deps: EngineDeps, asked: NewProject): Promise<boolean> {
  const known = await deps.store.read(deps.scope, async (tx) => await tx.projects.get());
  if (known !== undefined && !lacksKey(known, asked)) return false;
  return await systemAct(deps, "create_project", async (ctx) => {
    const project = await ctx.tx.projects.get();
    if (project === undefined) {
      await insertProject(ctx, asked);
      return true;
    }
    if (lacksKey(project, asked)) {
      await ctx.tx.projects.save({ ...project, operatorKeyHash: asked.operatorKeyHash });
      ctx.effects.push({
        type: "project",
        id: project.id,
        event: "operator_key_set",
        by: asked.by,
      });
    }
    return false;
  });
}

function lacksKey(project: Project, asked: NewProject): boolean {
  return project.operatorKeyHash === null && asked.operatorKeyHash !== null;
}

async function insertProject(ctx: WriteContext, asked: NewProject): Promise<void> {
  const { project: id } = ctx.deps.scope;
  await ctx.tx.projects.save({
    id,
    name: asked.name,
    root: asked.root,
    policyHash: null,
    operatorKeyHash: asked.operatorKeyHash,
    createdAtMs: ctx.nowMs,
  });
  ctx.effects.push({ type: "project", id, event: "created", name: asked.name });
  if (asked.settings !== undefined) await putInForce(ctx, { ...asked.settings, by: asked.by });
}
