import type { EngineDeps } from "./deps.ts";
import { putInForce } from "./person/policy-operations.ts";
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

/** Makes the project in its store; does nothing where it is made already. @returns whether it was made now. */
export async function createProject(deps: EngineDeps, asked: NewProject): Promise<boolean> {
  return await systemAct(deps, "create_project", async (ctx) => {
    if ((await ctx.tx.projects.get()) !== undefined) return false;
    await ctx.tx.projects.save({
      id: deps.scope.project,
      name: asked.name,
      root: asked.root,
      policyHash: null,
      operatorKeyHash: asked.operatorKeyHash,
      createdAtMs: ctx.nowMs,
    });
    ctx.effects.push({
      type: "project",
      id: deps.scope.project,
      event: "created",
      name: asked.name,
    });
    if (asked.settings !== undefined) await putInForce(ctx, { ...asked.settings, by: asked.by });
    return true;
  });
}
