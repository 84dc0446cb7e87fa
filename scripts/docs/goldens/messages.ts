import { z } from "zod";

import type { Stage } from "./stage.ts";

const rows = z.array(z.looseObject({ id: z.string() }));

/** What agents say to each other, and how they read it. */
export async function playMessages(stage: Stage): Promise<void> {
  await speak(stage);
  await listen(stage);
}

async function speak({ show, refused, quietly }: Stage): Promise<void> {
  const tool = "send_message";
  await quietly("cleo", "read_messages", { channel: "#docs" });
  const body = "The grammar is in docs/grammar.md now.";
  await show("ada", tool, "to an agent", { to: "ben", body });
  await show("ada", tool, "to a channel", { to: "#docs", body });
  await show("ada", tool, "to a channel where nobody is yet", { to: "#release", body });
  await show("cleo", tool, "in a topic's thread", { to: "B1", body: "Who has measured it?" });
  await refused("ada", tool, "to nobody", { to: "zoe", body });
  await refused("ada", tool, "to a person", { to: "person:pat", body });
  await refused("ada", tool, "a reply elsewhere", { to: "#all", body, reply_to: "M1" });
}

async function listen(stage: Stage): Promise<void> {
  const { fleet, show, refused, showWaiting, quietly } = stage;
  const tool = "read_messages";
  const first = await show("ben", tool, "all that waits", {});
  const [direct = "", last = ""] = rows.parse(first["messages"]).map(({ id }) => id);
  await show("ben", tool, "the same again: nothing was acknowledged", {});
  await show("ben", tool, "acknowledged, and nothing else waits", { after: last });
  await show("cleo", tool, "one channel", { channel: "#docs" });
  await show("cleo", tool, "one message", { message_id: last });
  await showWaiting(
    "ben",
    { tool, outcome: "waited for", args: { channel: "ada", wait_seconds: 25 } },
    async () => await quietly("ada", "send_message", { to: "ben", body: "Have you read it?" }),
  );
  await fleet.asPerson("say", { to: "#all", text: "The guide can wait." });
  await show("ben", tool, "a person's word", { channel: "#all" });
  await refused("cleo", tool, "what two others said", { message_id: direct });
  await refused("cleo", tool, "a message that it was not given", { after: "M999" });
}
