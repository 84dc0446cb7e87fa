import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { GuvnorError } from "../../src/core/errors.ts";
import {
  checkPlanGraph,
  criticalPath,
  findCycle,
  topologicalOrder,
  upwardRank,
  type PlanNode,
} from "../../src/core/plan-graph.ts";

const NOTHING: ReadonlySet<string> = new Set();

function node(key: string, after: readonly string[] = [], minutes = 1): PlanNode {
  return { key, after, minutes };
}

function keyOf(index: number): string {
  return `k${index}`;
}

/** Any graph of up to eight tasks, cycles and self-dependencies included. */
const anyGraph = fc.integer({ min: 0, max: 8 }).chain((size) =>
  fc.tuple(
    ...Array.from({ length: size }, (_, index) =>
      fc.record({
        key: fc.constant(keyOf(index)),
        after: fc.uniqueArray(fc.nat({ max: size - 1 }).map(keyOf), {
          maxLength: 2,
        }),
        minutes: fc.nat({ max: 60 }),
      }),
    ),
  ),
);

/** A graph without cycles: each task comes after earlier ones only, then all are shuffled. */
const acyclic = anyGraph
  .map((nodes) =>
    nodes.map((task, index) => {
      const earlier = new Set(nodes.slice(0, index).map(({ key }) => key));
      return { ...task, after: task.after.filter((key) => earlier.has(key)) };
    }),
  )
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }));

/** Every chain of tasks, written out. */
function chains(nodes: readonly PlanNode[], from: PlanNode): PlanNode[][] {
  const next = nodes.filter(({ after }) => after.includes(from.key));
  const longer = next.flatMap((task) => chains(nodes, task));
  return [[from], ...longer.map((rest) => [from].concat(rest))];
}

function total(tasks: readonly PlanNode[]): number {
  return tasks.reduce((sum, { minutes }) => sum + minutes, 0);
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof GuvnorError ? error.code : String(error);
  }
}

function thrownBy(run: () => unknown): GuvnorError {
  try {
    run();
  } catch (error) {
    if (error instanceof GuvnorError) return error;
  }
  throw new Error("no GuvnorError was thrown");
}

describe("findCycle", () => {
  test("a cycle it names is one: each key comes after the next, the last after the first", () => {
    let found = 0;
    fc.assert(
      fc.property(anyGraph, (nodes) => {
        const cycle = findCycle(nodes);
        if (cycle === undefined) return;
        found += 1;
        expect(new Set(cycle).size).toBe(cycle.length);
        for (const [index, key] of cycle.entries()) {
          const task = nodes.find((other) => other.key === key);
          expect(task?.after).toContain(cycle[(index + 1) % cycle.length]);
        }
      }),
    );
    expect(found).toBeGreaterThan(10);
  });

  test("it finds one exactly where there is no topological order", () => {
    fc.assert(
      fc.property(anyGraph, (nodes) => {
        const hasCycle = findCycle(nodes) !== undefined;
        expect(codeOf(() => topologicalOrder(nodes))).toBe(
          hasCycle ? "dependency_cycle" : undefined,
        );
      }),
    );
  });

  test("it finds none in a graph built without", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        expect(findCycle(nodes)).toBeUndefined();
      }),
    );
  });

  test("a task that waits for itself is a cycle of one; a diamond is none", () => {
    expect(findCycle([node("a"), node("b", ["b"])])).toEqual(["b"]);
    expect(
      findCycle([node("a"), node("b", ["a"]), node("c", ["a"]), node("d", ["b", "c"])]),
    ).toBeUndefined();
  });

  test("the way into a cycle is not part of it", () => {
    expect(findCycle([node("x", ["a"]), node("a", ["b"]), node("b", ["a"])])).toEqual(["a", "b"]);
  });
});

describe("topologicalOrder", () => {
  test("each task once, after all it depends on", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const order = topologicalOrder(nodes);
        expect(order.toSorted()).toEqual(nodes.map(({ key }) => key).toSorted());
        for (const { key, after } of nodes) {
          for (const other of after) expect(order.indexOf(other)).toBeLessThan(order.indexOf(key));
        }
      }),
    );
  });

  test("dependencies outside the plan and repeated ones do not hold it up", () => {
    expect(topologicalOrder([node("b", ["T3", "a", "a"]), node("a", ["T4"])])).toEqual(["a", "b"]);
  });
});

describe("upwardRank and criticalPath", () => {
  test("the rank is the longest of all chains that start at the task", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const ranks = upwardRank(nodes);
        for (const task of nodes) {
          expect(ranks.get(task.key)).toBe(Math.max(...chains(nodes, task).map(total)));
        }
      }),
    );
  });

  test("the critical path is a chain, and as long as the highest rank", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const { keys, minutes } = criticalPath(nodes);
        const tasks = keys.map((key) => nodes.find((task) => task.key === key) ?? node("?"));
        expect(total(tasks)).toBe(minutes);
        expect(minutes).toBe(Math.max(0, ...upwardRank(nodes).values()));
        for (const [index, task] of tasks.entries()) {
          expect(index === 0 || task.after.includes(keys[index - 1] ?? "")).toBe(true);
        }
      }),
    );
  });

  test("a worked plan: build 10, then test 30 or docs 5, then ship 2", () => {
    const nodes = [
      node("build", [], 10),
      node("docs", ["build"], 5),
      node("test", ["build"], 30),
      node("ship", ["test", "docs"], 2),
    ];
    expect(criticalPath(nodes)).toEqual({ keys: ["build", "test", "ship"], minutes: 42 });
    expect(Object.fromEntries(upwardRank(nodes))).toEqual({
      build: 42,
      docs: 7,
      ship: 2,
      test: 32,
    });
  });

  test("an empty plan takes no time; of equal chains the one listed first is named", () => {
    expect(criticalPath([])).toEqual({ keys: [], minutes: 0 });
    expect(criticalPath([node("b"), node("a")])).toEqual({ keys: ["b"], minutes: 1 });
  });
});

describe("large plans", () => {
  const size = 10_000;

  test("a chain of 10,000 tasks is handled without recursion", () => {
    const nodes = Array.from({ length: size }, (_, index) =>
      node(`k${index}`, index === 0 ? [] : [`k${index - 1}`]),
    ).toReversed();
    checkPlanGraph(nodes, NOTHING);
    expect(topologicalOrder(nodes).at(-1)).toBe(`k${size - 1}`);
    expect(criticalPath(nodes).minutes).toBe(size);
  });

  test("a cycle of 10,000 tasks is found, its message stays short", () => {
    const nodes = Array.from({ length: size }, (_, index) =>
      node(`k${index}`, [`k${(index + 1) % size}`]),
    );
    const error = thrownBy(() => {
      checkPlanGraph(nodes, NOTHING);
    });
    expect(error.code).toBe("dependency_cycle");
    expect(error.message).toBe(
      "These tasks wait for each other: k0 → k1 → k2 → k3 → k4 → k5 → k6 → k7 → … (9992 more) → k0.",
    );
    expect(error.details?.["cycle"]).toHaveLength(size);
  });

  test("10,000 tasks with 20 dependencies each are handled", () => {
    const nodes = Array.from({ length: size }, (_, index) =>
      node(
        `k${index}`,
        Array.from({ length: Math.min(index, 20) }, (__, back) => `k${index - 1 - back}`),
      ),
    );
    checkPlanGraph(nodes, NOTHING);
    expect(criticalPath(nodes).keys).toHaveLength(size);
  });
});

describe("checkPlanGraph", () => {
  test("a sound plan passes, dependencies on known tasks included", () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        expect(
          codeOf(() => {
            checkPlanGraph(nodes, NOTHING);
          }),
        ).toBeUndefined();
      }),
    );
    expect(() => {
      checkPlanGraph([node("a", ["T3"])], new Set(["T3"]));
    }).not.toThrow();
  });

  test("keys used twice, or taken by a known task, are refused and named", () => {
    const nodes = [node("a"), node("b"), node("a"), node("c")];
    const error = thrownBy(() => {
      checkPlanGraph(nodes, new Set(["c"]));
    });
    expect(error).toMatchObject({
      code: "input_invalid",
      message: "More than one task has the key a, c.",
      details: { duplicates: ["a", "c"] },
    });
  });

  test("unknown dependencies are refused and named with the tasks that have them", () => {
    const error = thrownBy(() => {
      checkPlanGraph([node("a", ["x"]), node("b", ["a", "x", "T9"])], new Set(["T3"]));
    });
    expect(error).toMatchObject({
      code: "input_invalid",
      message: "There is no task x, T9, but a, b should come after it.",
      details: { unknown: ["x", "T9"], tasks: ["a", "b"] },
    });
  });

  test("the advice names ids only where there can be some", () => {
    const lost = [node("a", ["T9"])];
    const beside = thrownBy(() => checkPlanGraph(lost, NOTHING));
    const alone = thrownBy(() => checkPlanGraph(lost));
    expect(beside.fix).toBe("Name keys of this plan or ids of existing tasks in after.");
    expect(alone.fix).toBe("Name keys of this plan in after.");
  });

  test("a long list of keys is cut in the message, not in the details", () => {
    const after = Array.from({ length: 20 }, (_, index) => `x${index}`);
    const error = thrownBy(() => {
      checkPlanGraph([node("a", after)], NOTHING);
    });
    expect(error.message).toContain("x7 and 12 more");
    expect(error.details?.["unknown"]).toHaveLength(20);
  });

  test("a cycle is printed as it closes", () => {
    const error = thrownBy(() => {
      checkPlanGraph([node("a", ["b"]), node("b", ["c"]), node("c", ["a"])], NOTHING);
    });
    expect(error).toMatchObject({
      code: "dependency_cycle",
      message: "These tasks wait for each other: a → b → c → a.",
      details: { cycle: ["a", "b", "c"] },
    });
  });

  test.each([-1, Number.NaN, Infinity])("an estimate of %s minutes is refused", (minutes) => {
    const error = thrownBy(() => {
      checkPlanGraph([node("a", [], minutes)], NOTHING);
    });
    expect(error).toMatchObject({ code: "input_invalid", details: { keys: ["a"] } });
  });
});
