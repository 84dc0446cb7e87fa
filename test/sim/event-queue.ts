interface Event {
  readonly atMs: number;
  /** Of two at the same time the one that was planned first. */
  readonly order: number;
  readonly run: () => Promise<void> | void;
}

/**
 * Simulated time: whatever waits, waits here, and one thing happens after the other. Between two
 * events everything that was set going comes to rest, so that nothing but the queue decides an order.
 */
export class EventQueue {
  nowMs = 0;
  #order = 0;
  /** A binary heap, the next one first. */
  readonly #heap: Event[] = [];

  after(delayMs: number, run: () => Promise<void> | void): void {
    this.#order += 1;
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, run };
    let index = this.#heap.length;
    this.#heap.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || isBefore(parent, event)) break;
      this.#heap[index] = parent;
      index = above;
    }
    this.#heap[index] = event;
  }

  /** Does the next thing. @returns false when there is none. */
  async step(): Promise<boolean> {
    const event = this.#take();
    if (event === undefined) return false;
    this.nowMs = event.atMs;
    await event.run();
    await rest();
    return true;
  }

  #take(): Event | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let index = 0;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || isBefore(last, child)) break;
      this.#heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    this.#heap[index] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** All microtasks are done before an immediate runs; nothing here waits for anything else. */
async function rest(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
