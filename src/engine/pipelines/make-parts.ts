import type { RoleTemplate } from "../../core/pipeline-template.ts";
import type { Pipeline, PipelineRole, RolePart } from "../../core/pipeline.ts";
import type { WriteContext } from "../call-context.ts";
import type { JsonObject } from "../call.ts";
import { reopenPlan } from "../move-task.ts";
import { insertTask } from "../new-task.ts";

const PRIORITY = 70;

const GAMMA: RoleTemplate = {
  title: "GAMMA: mediation",
  body: "Two agents work on the objective, and they are stuck. Ask them (send_message, or the thread of their tasks), and bring what is missing: a solution of your own that the others can follow.",
  needs: [],
  gates: null,
};

/** Said to whoever takes a part; what comes from people and agents is in `inputs`. */
const HOW = `The objective is in \`inputs\`. When you are done, commit, and report done with outputs {"solution": "what you did and why it is the best way"}: that is your solution on the board, which is voted on.`;

/** The tasks of ALPHA and BETA; one agent never does both. */
export async function makeTwo(
  ctx: WriteContext,
  pipeline: Pipeline,
  { not, context }: { readonly not: readonly string[]; readonly context: readonly JsonObject[] },
): Promise<readonly RolePart[]> {
  const { alpha, beta } = pipeline.template;
  const inputs = inputsOf(pipeline, context);
  return [
    await makePart(ctx, pipeline, { role: "alpha", asked: alpha, not, inputs }),
    await makePart(ctx, pipeline, { role: "beta", asked: beta, not, inputs }),
  ];
}

export async function makeGamma(
  ctx: WriteContext,
  pipeline: Pipeline,
  why: string,
): Promise<RolePart> {
  return await makePart(ctx, pipeline, {
    role: "gamma",
    asked: { ...GAMMA, gates: pipeline.template.alpha.gates },
    not: [],
    inputs: { ...inputsOf(pipeline, []), stuck: why },
  });
}

interface AskedPart {
  readonly role: PipelineRole;
  readonly asked: RoleTemplate;
  readonly not: readonly string[];
  readonly inputs: JsonObject;
}

async function makePart(
  ctx: WriteContext,
  { id, run, planId }: Pipeline,
  { role, asked, not, inputs }: AskedPart,
): Promise<RolePart> {
  await reopenPlan(ctx, planId);
  const taskId = await insertTask(ctx, {
    planId,
    createdBy: "guvnor",
    task: {
      key: `${role}-${id}-${run.no}`,
      title: `${asked.title} (${id})`,
      body: `${asked.body}\n\n${HOW}`,
      kind: role,
      needs: asked.needs,
      ...(asked.gates === null ? {} : { gates: asked.gates }),
      priority: PRIORITY,
      inputs,
      outputs_wanted: ["solution"],
      ...(not.length === 0 ? {} : { takers: { not } }),
      serves: id,
    },
  });
  return { role, taskId, agent: null, tokenHash: null, lent: null };
}

function inputsOf(pipeline: Pipeline, context: readonly JsonObject[]): JsonObject {
  const { id, objective, subtasks } = pipeline;
  return {
    pipeline: id,
    objective,
    ...(subtasks.length === 0 ? {} : { subtasks }),
    ...(context.length === 0 ? {} : { earlier_runs: context }),
  };
}
