import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { onTestFinished } from "vitest";

const FIXTURE = join(import.meta.dirname, "store-fixture.ts");

/** Another process with the same store; it ends with the test at the latest. */
export interface StoreProcess {
  /** Sends a word of store-fixture.ts and waits until it is done. */
  ask(word: "hold" | "release" | "insert" | "wake", ...values: string[]): Promise<void>;
  /** Resolves when the process has ended. */
  kill(): Promise<void>;
}

export async function startStoreProcess(file: string): Promise<StoreProcess> {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [FIXTURE, file]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<void>((resolve) => {
    child.on("close", () => resolve());
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk));
  // The child may be killed while something is on its way to it.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const expectLine = async (wanted: string): Promise<void> => {
    const { value, done } = await lines.next();
    if (done === true || value !== wanted) throw new Error(`not "${wanted}": ${value} ${errors}`);
  };
  await expectLine("ready");
  return {
    ask: async (...words) => {
      child.stdin.write(`${words.join(" ")}\n`);
      await expectLine("done");
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
