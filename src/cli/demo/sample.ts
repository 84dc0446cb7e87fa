import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "yaml";
import { z } from "zod";

import { GuvnorError } from "../../core/errors.ts";

const files = z.array(z.string().min(1));

/** What an agent does for one task; `solutions/<key>/recipe.yaml`. Patches lie beside it. */
const recipeSchema = z.strictObject({
  /** Message of the commit. */
  commit: z.string(),
  /** Patches, one after the other. */
  steps: files.default([]),
  /** The first holder is killed when it has done so many steps and committed nothing. */
  killed_after_step: z.int().positive().optional(),
  /** Patches for when a gate has sent the work back. */
  sent_back: files.optional(),
  /** Directory of files that are the result of doing it again on top of what it conflicts with. */
  conflict: z.string().optional(),
  /** Reports "done" only when another task of the plan is so far. */
  hold: z.strictObject({ task: z.string(), until: z.enum(["running", "lost", "done"]) }).optional(),
  /** A person is asked; the answer's first word says which of `answers` it is. */
  ask: z.strictObject({ summary: z.string(), detail: z.string() }).optional(),
  /** An output of a task before this one says which of `answers` it is. */
  follows: z.string().optional(),
  answers: z.record(z.string(), files).default({}),
  /** A question for all agents; what they decide is written to a file and given as an output. */
  topic: z
    .strictObject({
      title: z.string(),
      problem: z.string(),
      writes: z.string(),
      output: z.string(),
    })
    .optional(),
});

/** What an agent says to a topic. Solutions are known by what stands before the colon in their title. */
const opinionSchema = z.strictObject({
  /** Proposes only when so many solutions are there. */
  after_solutions: z.int().min(0).default(0),
  proposes: z.strictObject({ title: z.string(), body: z.string(), files }).optional(),
  /** Best first. */
  prefers: z.array(z.string()).min(1),
  because: z.string(),
});

export const agentSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,15}$/),
  role: z.string(),
  capabilities: z.array(z.string()),
  says: opinionSchema,
});

const castSchema = z.strictObject({
  agents: z.array(agentSchema).min(2).max(8),
  /** What the demo answers in a person's place. */
  person: z.array(z.strictObject({ asked_by_task: z.string(), answer: z.string() })),
});

const planSchema = z.looseObject({
  title: z.string(),
  tasks: z.array(z.looseObject({ key: z.string(), title: z.string() })).min(1),
});

export type Recipe = z.infer<typeof recipeSchema>;

type AgentScript = z.infer<typeof agentSchema>;
export type Opinion = z.infer<typeof opinionSchema>;

/** A code base, a plan for it, and the agents that carry it out. */
export interface Sample {
  readonly directory: string;
  readonly project: string;
  readonly planFile: string;
  readonly plan: z.infer<typeof planSchema>;
  readonly agents: readonly AgentScript[];
  readonly answers: ReadonlyMap<string, string>;
  /** By the key of the task. */
  readonly recipes: ReadonlyMap<string, Recipe>;
}

/** The sample that is shipped: `examples` lies beside `dist` and `src`. */
export function shippedSample(): string {
  return join(import.meta.dirname, "..", "..", "..", "examples", "table-tools");
}

/** @throws {GuvnorError} `config_invalid` naming the file that is missing or wrong. */
export function loadSample(directory: string): Sample {
  const project = join(directory, "project");
  if (!existsSync(join(project, "guvnor.yaml"))) {
    throw invalid(`${join(project, "guvnor.yaml")} is not there.`);
  }
  const planFile = join(directory, "plan.yaml");
  const plan = readYaml(planFile, planSchema);
  const cast = readYaml(join(directory, "agents.yaml"), castSchema);
  return {
    directory,
    project,
    planFile,
    plan,
    agents: cast.agents,
    answers: new Map(cast.person.map((each) => [each.asked_by_task, each.answer])),
    recipes: new Map(plan.tasks.map(({ key }) => [key, loadRecipe(directory, key)])),
  };
}

export function loadRecipe(directory: string, key: string): Recipe {
  return readYaml(join(solutionDirectory(directory, key), "recipe.yaml"), recipeSchema);
}

/** Where the patches of a task lie. */
export function solutionDirectory(directory: string, key: string): string {
  return join(directory, "solutions", key);
}

function readYaml<T>(file: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(parse(readFileSync(file, "utf8")));
  } catch (cause) {
    const why =
      cause instanceof z.ZodError
        ? z.prettifyError(cause)
        : cause instanceof Error
          ? cause.message
          : String(cause);
    throw invalid(`${file}: ${why}`, cause);
  }
}

function invalid(message: string, cause?: unknown): GuvnorError {
  const fix = "Copy the sample that is shipped (examples/table-tools) and change the copy.";
  return new GuvnorError("config_invalid", message, fix, { cause });
}
