/**
 * Another process on the same database file. Reads words from stdin, a line each, and answers "done":
 *
 * hold        begins a transaction, writes T99 in it and leaves it open
 * release     ends that transaction by giving it up
 * insert ID   a whole transaction with a task of that id
 * wake        a whole transaction that wakes all who wait
 */
import { createInterface } from "node:readline";

import { openConnection } from "../../src/store/sqlite/connection.ts";
import { openSqlite } from "../../src/store/sqlite/open-sqlite.ts";
import { aTask } from "../support/a-task.ts";

const [file = ""] = process.argv.slice(2);
const scope = { tenant: "t", project: "p" };
const store = await openSqlite({ file });
const holder = openConnection(file, { readonly: false, durability: "full" });

async function obey(word: string, value: string): Promise<void> {
  if (word === "hold") {
    holder.db.exec("begin immediate");
    holder.db.exec("insert into counter values ('t', 'p', 'held', 99)");
  } else if (word === "release") {
    holder.db.exec("rollback");
  } else if (word === "insert") {
    await store.write(scope, async (tx) => await tx.tasks.insert(aTask({ id: value })));
  } else {
    await store.write(scope, async (tx) => tx.wake());
  }
}

process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const [word = "", value = ""] = line.split(" ");
  await obey(word, value);
  process.stdout.write("done\n");
}
