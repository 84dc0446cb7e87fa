import { GuvnorError } from "../../src/core/errors.ts";
import type { ChangeWatch, Store, StoreTx } from "../../src/store/store.ts";
import type { Written } from "./ledger-model.ts";
import { wakeAll, type Machine } from "./machine.ts";

/** A transaction fails for want of the write lock this often, while things go wrong. */
const BUSY_CHANCE = 0.002;

/** How a process reaches the outside: each operation takes simulated time, and may never come back. */
export interface Operator {
  readonly id: string;
  operate<T>(kind: "read" | "write" | "git", run: () => Promise<T>): Promise<T>;
  watch(): ChangeWatch;
}

export type WrapTx = (tx: StoreTx) => StoreTx;

/**
 * The real store as one process sees it: its transactions are events of the simulation, and what
 * they commit is told to the model of the ledger.
 */
export function createSimStore(machine: Machine, process: Operator, wrapTx?: WrapTx): Store {
  const { store, ledger, random } = machine;
  const recorder = createRecorder(wrapTx);
  return {
    write: async (scope, work) =>
      await process.operate("write", async () => {
        if (!machine.isCalm && random.chance(BUSY_CHANCE)) {
          machine.chronicle.count("store busy");
          throw new GuvnorError("busy", "The database was locked for 5 s.", "Try again.");
        }
        recorder.begin();
        const result = await store.write(scope, async (tx) => await work(recorder.observe(tx)));
        const { written, woke } = recorder.end();
        ledger.commit(process.id, written);
        if (woke) wakeAll(machine);
        return result;
      }),
    read: async (scope, work) =>
      await process.operate("read", async () => await store.read(scope, work)),
    watch: () => process.watch(),
    checkpoint: async () => {},
    close: async () => {},
  };
}

interface Recorder {
  begin(): void;
  observe(tx: StoreTx): StoreTx;
  end(): { written: Written; woke: boolean };
}

/** Notes what a transaction writes; what a savepoint undoes is forgotten. */
function createRecorder(wrapTx: WrapTx = (tx) => tx): Recorder {
  let written: Written = { tasks: [], dependencies: [], entries: [] };
  let woke = false;
  let observed: { readonly tx: StoreTx; readonly as: StoreTx } | undefined;
  const forget = (tasks: number, dependencies: number, wokeBefore: boolean): void => {
    written.tasks.length = tasks;
    written.dependencies.length = dependencies;
    woke = wokeBefore;
  };
  const wrap = (tx: StoreTx): StoreTx => ({
    ...tx,
    tasks: {
      ...tx.tasks,
      insert: async (task) => {
        written.tasks.push(task);
        await tx.tasks.insert(task);
      },
      addDependency: async (taskId, afterId) => {
        written.dependencies.push([taskId, afterId]);
        await tx.tasks.addDependency(taskId, afterId);
      },
    },
    audit: {
      ...tx.audit,
      append: async (body, payload) => {
        written.entries.push({ body, payload: payload?.payload });
        return await tx.audit.append(body, payload);
      },
    },
    wake: () => {
      woke = true;
      tx.wake();
    },
    savepoint: async (work) => {
      const before = [written.tasks.length, written.dependencies.length, woke] as const;
      try {
        return await tx.savepoint(async () => {
          const done = await work();
          if (!done.keep) forget(...before);
          return done;
        });
      } catch (error) {
        forget(...before);
        throw error;
      }
    },
  });
  return {
    begin: () => {
      written = { tasks: [], dependencies: [], entries: [] };
      woke = false;
    },
    observe: (tx) => {
      if (observed?.tx !== tx) observed = { tx, as: wrapTx(wrap(tx)) };
      return observed.as;
    },
    end: () => ({ written, woke }),
  };
}
