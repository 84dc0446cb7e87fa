import { GuvnorError } from "./errors.ts";

export interface PlanNode {
  /** Unique within a plan. */
  readonly key: string;
  /** Keys that must be done first. Those that are no node of the plan are left out of its graph. */
  readonly after: readonly string[];
  /** Estimated duration, finite and 0 or more. */
  readonly minutes: number;
}

interface CriticalPath {
  /** From the first task to the last, each after the one before; empty for an empty plan. */
  readonly keys: readonly string[];
  /** Their sum: the plan cannot be shorter, however many agents there are. */
  readonly minutes: number;
}

/**
 * Checks what the other functions here rely on: keys are unique, dependencies exist, estimates are
 * durations, and nothing waits for itself.
 *
 * @param known - Keys and ids outside these nodes that they may come after; absent where there can be none. A node cannot take one
 *   of them as its key, as a dependency on it would then mean either.
 * @throws {GuvnorError} `input_invalid` naming the keys at fault (details.duplicates,
 *   details.unknown or details.keys); `dependency_cycle` printing one cycle, whole in
 *   details.cycle as findCycle orders it.
 */
export function checkPlanGraph(nodes: readonly PlanNode[], known?: ReadonlySet<string>): void {
  checkKeys(nodes, known);
  checkDependencies(nodes, known);
  const odd = nodes.filter((node) => !(Number.isFinite(node.minutes) && node.minutes >= 0));
  if (odd.length > 0) {
    const keys = odd.map((node) => node.key);
    const message = `The estimate of ${list(keys)} is not a number of minutes from 0.`;
    throw new GuvnorError("input_invalid", message, "Estimate in minutes.", { details: { keys } });
  }
  const cycle = findCycle(nodes);
  if (cycle !== undefined) throw cycleError(cycle);
}

/**
 * One dependency cycle, or undefined where there is none. Each key comes after the next one (waits
 * for it), and the last after the first. The same nodes give the same cycle.
 * @internal Exported for its tests.
 */
export function findCycle(nodes: readonly PlanNode[]): readonly string[] | undefined {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const finished = new Set<string>();
  for (const node of nodes) {
    const cycle = walkFrom(node, byKey, finished);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/**
 * Keys in an order that puts each after all it depends on (Kahn 1962). The same nodes give the same
 * order.
 *
 * @throws {GuvnorError} `dependency_cycle` as in checkPlanGraph.
 * @internal Exported for its tests.
 */
export function topologicalOrder(nodes: readonly PlanNode[]): readonly string[] {
  const dependents = dependentsByKey(nodes);
  const waitingFor = new Map(
    nodes.map((node) => [node.key, node.after.filter((key) => dependents.has(key)).length]),
  );
  const order = nodes.filter((node) => waitingFor.get(node.key) === 0).map((node) => node.key);
  // The list grows while it is walked: it is the queue and the result.
  for (const key of order) {
    for (const dependent of dependents.get(key) ?? []) {
      const left = (waitingFor.get(dependent) ?? 0) - 1;
      waitingFor.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  }
  if (order.length < nodes.length) throw cycleError(findCycle(nodes) ?? []);
  return order;
}

/**
 * Minutes from the start of each task to the end of the plan along its longest chain of dependents,
 * the task itself included: the upward rank of list scheduling (HEFT, Topcuoglu et al. 2002, with
 * communication costs of 0).
 *
 * @throws {GuvnorError} `dependency_cycle` as in checkPlanGraph.
 * @internal Exported for its tests.
 */
export function upwardRank(nodes: readonly PlanNode[]): ReadonlyMap<string, number> {
  const dependents = dependentsByKey(nodes);
  const minutes = new Map(nodes.map((node) => [node.key, node.minutes]));
  const ranks = new Map<string, number>();
  for (const key of topologicalOrder(nodes).toReversed()) {
    let longest = 0;
    for (const dependent of dependents.get(key) ?? []) {
      longest = Math.max(longest, ranks.get(dependent) ?? 0);
    }
    ranks.set(key, longest + (minutes.get(key) ?? 0));
  }
  return ranks;
}

/**
 * The longest chain of tasks by minutes. Of equally long ones, the one through tasks listed first.
 *
 * @throws {GuvnorError} `dependency_cycle` as in checkPlanGraph.
 */
export function criticalPath(nodes: readonly PlanNode[]): CriticalPath {
  const ranks = upwardRank(nodes);
  const dependents = dependentsByKey(nodes);
  const keys: string[] = [];
  let next = highest(
    nodes.map((node) => node.key),
    ranks,
  );
  const minutes = ranks.get(next ?? "") ?? 0;
  while (next !== undefined) {
    keys.push(next);
    next = highest(dependents.get(next) ?? [], ranks);
  }
  return { keys, minutes };
}

function highest(keys: readonly string[], ranks: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined;
  for (const key of keys) {
    if (best === undefined || (ranks.get(key) ?? 0) > (ranks.get(best) ?? 0)) best = key;
  }
  return best;
}

/** For each node the nodes that come after it, in the order of `nodes`. */
function dependentsByKey(nodes: readonly PlanNode[]): ReadonlyMap<string, readonly string[]> {
  const dependents = new Map<string, string[]>(nodes.map((node) => [node.key, []]));
  for (const node of nodes) {
    for (const key of node.after) dependents.get(key)?.push(node.key);
  }
  return dependents;
}

/** Depth-first with a stack of its own: a chain of 10,000 tasks would overflow the engine's. */
function walkFrom(
  start: PlanNode,
  byKey: ReadonlyMap<string, PlanNode>,
  finished: Set<string>,
): readonly string[] | undefined {
  if (finished.has(start.key)) return undefined;
  const path = [{ node: start, next: 0 }];
  const onPath = new Set([start.key]);
  let step = path.at(-1);
  while (step !== undefined) {
    const key = step.node.after[step.next];
    step.next += 1;
    if (key === undefined) {
      finished.add(step.node.key);
      onPath.delete(step.node.key);
      path.pop();
    } else if (onPath.has(key)) {
      const keys = path.map((visited) => visited.node.key);
      return keys.slice(keys.indexOf(key));
    } else {
      const node = byKey.get(key);
      if (node !== undefined && !finished.has(key)) {
        path.push({ node, next: 0 });
        onPath.add(key);
      }
    }
    step = path.at(-1);
  }
  return undefined;
}

function checkKeys(nodes: readonly PlanNode[], known: ReadonlySet<string> | undefined): void {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const { key } of nodes) {
    if (seen.has(key) || known?.has(key) === true) duplicates.add(key);
    seen.add(key);
  }
  if (duplicates.size === 0) return;
  throw new GuvnorError(
    "input_invalid",
    `More than one task has the key ${list([...duplicates])}.`,
    "Give each task of the plan a key of its own.",
    { details: { duplicates: [...duplicates] } },
  );
}

function checkDependencies(
  nodes: readonly PlanNode[],
  known: ReadonlySet<string> | undefined,
): void {
  const keys = new Set(nodes.map((node) => node.key));
  const unknown = new Set<string>();
  const waiting = new Set<string>();
  for (const node of nodes) {
    for (const key of node.after) {
      if (keys.has(key) || known?.has(key) === true) continue;
      unknown.add(key);
      waiting.add(node.key);
    }
  }
  if (unknown.size === 0) return;
  throw new GuvnorError(
    "input_invalid",
    `There is no task ${list([...unknown])}, but ${list([...waiting])} should come after it.`,
    known === undefined
      ? "Name keys of this plan in after."
      : "Name keys of this plan or ids of existing tasks in after.",
    { details: { unknown: [...unknown], tasks: [...waiting] } },
  );
}

const KEYS_SHOWN = 8;

function cycleError(cycle: readonly string[]): GuvnorError {
  const cut = cycle.length - KEYS_SHOWN;
  const shown = cycle.slice(0, KEYS_SHOWN);
  const closed = [...shown, ...(cut > 0 ? [`… (${cut} more)`] : []), ...cycle.slice(0, 1)];
  return new GuvnorError(
    "dependency_cycle",
    `These tasks wait for each other: ${closed.join(" → ")}.`,
    "Take one of these dependencies out of after.",
    { details: { cycle } },
  );
}

function list(keys: readonly string[]): string {
  const cut = keys.length - KEYS_SHOWN;
  const shown = keys.slice(0, KEYS_SHOWN).join(", ");
  return cut > 0 ? `${shown} and ${cut} more` : shown;
}
