import type { Stage } from "./stage.ts";

/** One objective, worked on twice. */
export async function playPipelines({ show, refused, quietly }: Stage): Promise<void> {
  const tool = "start_pipeline";
  const plan = [
    { key: "read", title: "Read what the parser does now", estimate_minutes: 20 },
    { key: "write", title: "Write the new one", after: ["read"], estimate_minutes: 90 },
  ];
  await show("ada", tool, "started", { objective: "Parse a row in half the time.", plan });
  await refused("ada", tool, "an unknown template", { objective: "x", template: "trio" });
  const cycle = [{ key: "read", title: "Read it", after: ["read"] }];
  await refused("ada", tool, "a plan that waits for itself", { objective: "x", plan: cycle });
  await show("ada", "get_status", "a pipeline", { scope: "pipeline", id: "L1" });
  await quietly("ada", "get_status");
}
