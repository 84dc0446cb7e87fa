import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { expectReadable, HOSTILE } from "./readable.ts";
import { createSandbox, type Sandbox, type Served } from "./sandbox.ts";

let sandbox: Sandbox;

async function agent(name: string): Promise<Served["client"]> {
  const { client } = sandbox.serve();
  await client.initialize();
  await client.call("register_agent", { name });
  return client;
}

describe("guvnor board", () => {
  beforeAll(() => {
    sandbox = createSandbox();
    sandbox.makeKey();
  });

  afterAll(() => sandbox.remove());

  it(
    "asks for a mediator, shows what came of it, and takes a question back",
    { timeout: 60_000 },
    async () => {
      await sandbox.guvnor("init");
      const [ada, ben] = [await agent("ada"), await agent("ben")];
      const max = await agent("max");
      const electorate = { agents: ["ada", "ben"] };
      const topic = { title: "Which way?", problem: "Both are good.", electorate };
      await ada.call("open_topic", { ...topic, options: [`left ${HOSTILE}`, "right"] });
      const mediated = await sandbox.json("board", "mediate", "B1", "--reason", `Hurry ${HOSTILE}`);
      expect(mediated).toMatchObject({ topic_id: "B1", state: "proposing" });
      expect(await expectReadable(sandbox, ["board", "show", "B1"])).toContain("who takes T1");
      await max.call("request_task", {});
      await max.call("propose_solution", { topic_id: "B1", title: "both", body: "In turns." });
      for (const voter of [ada, ben, max]) {
        await voter.call("vote", { topic_id: "B1", ballot: ["S3"], reason: "Fair." });
      }
      const shown = await expectReadable(sandbox, ["board", "show", "B1"]);
      expect(shown).toMatch(/mediator +max/);
      expect(shown).toMatch(/winner +S3/);
      await ada.call("open_topic", { ...topic, options: ["up", "down"] });
      expect(await sandbox.json("board", "withdraw", "B2", "--reason", "Moot.")).toMatchObject({
        state: "withdrawn",
        decision: { by: "person", reason: "Moot." },
      });
      expect(await expectReadable(sandbox, ["board", "list", "--state", "withdrawn"])).toContain(
        "B2",
      );
    },
  );
});
