import { writeFileSync } from "node:fs";
import { join } from "node:path";

import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { expectReadable } from "./readable.ts";
import { createSandbox, sessionOf, type Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;

/** Three agents of two models; one of them may veto. */
beforeAll(async () => {
  sandbox = createSandbox();
  sandbox.makeKey();
  const settings = "version: 1\nroles: { security: [cyd] }\n";
  writeFileSync(join(sandbox.project, "guvnor.yaml"), settings);
  await sandbox.guvnor("init");
  const { client } = sandbox.serve();
  await client.initialize();
  const sessions = new Map<string, string>();
  for (const [name, model] of [
    ["ada", "one"],
    ["bob", "one"],
    ["cyd", "two"],
  ] as const) {
    sessions.set(name, sessionOf(await client.call("register_agent", { name, model })));
  }
  const ask = async (name: string, tool: string, args: object): Promise<void> => {
    const { result } = await client.call(tool, { ...args, session: sessions.get(name) });
    expect(result).not.toMatchObject({ isError: true });
  };
  const open = { title: "Which store?", problem: "One of them.", options: ["a", "b", "c"] };
  await ask("ada", "open_topic", { ...open, veto: ["security"] });
  const reason = "Because it is the one that all of us have used for years and know well.";
  await ask("ada", "vote", { topic_id: "B1", ballot: ["S1", "S2"], reason });
  await ask("bob", "vote", { topic_id: "B1", ballot: ["S2", "S1"], reason });
  await ask("cyd", "vote", { topic_id: "B1", ballot: ["S2"], veto: ["S3"], reason: "S3 leaks." });
  await ask("ada", "open_topic", { ...open, method: "approval" });
  for (const name of ["ada", "bob", "cyd"]) {
    const ballot = name === "ada" ? ["S4", "S5"] : ["S4"];
    await ask(name, "vote", { topic_id: "B2", ballot, reason });
  }
  await ask("ada", "open_topic", open);
}, 60_000);

afterAll(() => sandbox.remove());

describe("guvnor board", () => {
  it("shows how a decision was counted", async () => {
    const text = await expectReadable(sandbox, ["board", "show", "B1"]);
    const round = text.slice(text.indexOf("Round 1"));
    expect(round).toMatchInlineSnapshot(`
      "Round 1, by schulze
      winner         S2
      margin         66.7 %
      cast           3
      worth          1.67 independent voters
      vetoed         S3 by cyd
      first choices  S1 1, S2 2
      not for it     ada

      PAIR     VOTES  EQUAL  LEFT OUT
      S1 : S2  1 : 2      0
      S1 : S3  2 : 0      1
      S2 : S3  3 : 0      0

      strongest paths  S2 > S1 66.7 %

      Ballots:
      ada  S1, S2
           Because it is the one that all of us have used for years and know well.
      bob  S2, S1
           Because it is the one that all of us have used for years and know well.
      cyd  S2
           vetoes S3
           S3 leaks.
      "
    `);
    expect(text).toMatch(/veto +security: cyd/);
  });

  it("shows the shares of an approval vote", async () => {
    const text = await expectReadable(sandbox, ["board", "show", "B2"]);
    expect(text).toMatch(/S4 +3 +3 +100\.0 %/);
  });

  it("recomputes a decision from the ledger, with what anybody needs to do so in --json", async () => {
    const text = await expectReadable(sandbox, ["board", "recompute", "B1"]);
    expect(text).toContain("B1: the ledger gives the same outcome again.");
    expect(text).toMatch(/rounds +1 by schulze: S2/);
    expect(await sandbox.json("board", "show", "B1")).toMatchObject({
      rounds: [{ pairs: expect.anything(), paths: expect.anything(), n_eff: 1.67 }],
    });
  });

  it("cannot recompute what is not decided", async () => {
    const refused = await sandbox.guvnor("board", "recompute", "B3");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("sealed") });
  });

  it("says with exit code 1 what differs once somebody has changed the record", async () => {
    const database = new Database(join(sandbox.project, ".git", "guvnor", "guvnor.db"));
    const changed = database
      .prepare(
        `update audit_entry set body = replace(body, '"ranking":["S2"],', '"ranking":["S1"],') where body like '%"id":"B1","record"%'`,
      )
      .run();
    database.close();
    expect(changed.changes).toBe(1);
    const text = await expectReadable(sandbox, ["board", "recompute", "B1"], 1);
    expect(text).toMatch(/field +rounds\.0\.pairs/);
    expect(await sandbox.json("board", "recompute", "B1")).toMatchObject({
      same: false,
      error: { code: "audit_broken" },
    });
  });
});
