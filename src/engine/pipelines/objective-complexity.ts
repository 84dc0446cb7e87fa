import { complexityOf, type Complexity } from "../../core/consensus/complexity.ts";
import type { Pipeline, Subtask } from "../../core/pipeline.ts";
import { criticalPath } from "../../core/plan-graph.ts";
import type { ReadTx } from "../../store/store.ts";
import { DEFAULT_MINUTES } from "../new-task.ts";

/** Earlier pipelines that an objective is compared with. */
const COMPARED = 100;

/** Of an objective, by what is said of its parts and what came of earlier ones. */
export async function objectiveComplexity(
  tx: ReadTx,
  { objective, subtasks }: Pick<Pipeline, "objective" | "subtasks">,
): Promise<Complexity> {
  const past = await tx.pipelines.list(COMPARED);
  const ended = past.filter(({ endedAtMs }) => endedAtMs !== null);
  const agreed = ended.filter(({ outcome }) => outcome?.by === "vote");
  const words = wordsOf(objective);
  return complexityOf({
    ...(await planFacts(tx, subtasks)),
    success: ended.length === 0 ? undefined : agreed.length / ended.length,
    similarity:
      past.length === 0
        ? undefined
        : Math.max(...past.map((each) => jaccard(words, wordsOf(each.objective)))),
  });
}

async function planFacts(
  tx: ReadTx,
  subtasks: readonly Subtask[],
): Promise<Parameters<typeof complexityOf>[0]> {
  if (subtasks.length === 0) return {};
  const nodes = subtasks.map(({ key, after, minutes }) => {
    return { key, after, minutes: minutes ?? DEFAULT_MINUTES };
  });
  const agents = await tx.agents.list();
  return {
    subtasks: subtasks.length,
    criticalPath: criticalPath(nodes).minutes,
    work: nodes.reduce((sum, { minutes }) => sum + minutes, 0),
    skills: new Set(subtasks.flatMap(({ needs }) => needs)).size,
    skillsKnown: new Set(agents.flatMap(({ capabilities }) => capabilities)).size,
  };
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
}

/** Shared words among all words of the two, 0 to 1. */
function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const all = new Set([...a, ...b]);
  if (all.size === 0) return 0;
  return [...a].filter((word) => b.has(word)).length / all.size;
}
