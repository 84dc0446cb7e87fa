import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { JsonObject } from "../../../src/engine/call.ts";
import { bodyOf, type Fleet } from "../../support/engine-harness.ts";
import {
  claimed,
  expectSoundLedger,
  planTasks,
  report,
  rulesFleet,
} from "../../support/rules-fleet.ts";

const WATCHED = `
limits: [{ id: calls, of: agent, metric: calls, max: 100000, per: 1m, then: deny }]
breakers: { agent: null }
health:
  report_interval: 60s
  thresholds: { response_time: 5s, completion_rate: 0.95, error_rate: 0.01, queue_depth: 10 }
`;

let fleet: Fleet;

beforeEach(async () => {
  fleet = await rulesFleet(WATCHED);
});
afterEach(async () => {
  await expectSoundLedger(fleet);
  await fleet.close();
});

/** What was told of health so far, as whoever delivers it will read it. */
async function alerts(): Promise<readonly string[]> {
  const events = await fleet.read(async (tx) => await tx.outbox.list(0, 1000));
  return events
    .filter(({ kind }) => kind === "alert")
    .map(({ body }) => body as JsonObject)
    .map(({ event, id }) => `${String(event)} ${String(id)}`);
}

/** A minute goes by, and some process looks. */
async function minute(): Promise<void> {
  await fleet.advance(61_000);
  await fleet.tick();
}

describe("health", () => {
  test("alerts once when more than 10 tasks wait beyond who can take them, and once when not any more", async () => {
    await fleet.ok("ada", "register_agent", { name: "ada", capabilities: ["rust"] });
    await planTasks(fleet, 12, { needs: ["rust"] });
    await minute();
    expect(await alerts()).toEqual(["raised queue_depth:rust"]);
    await minute();
    expect(await alerts()).toHaveLength(1);
    for (let task = 1; task <= 5; task += 1) {
      await claimed(fleet, "ada");
      await report(fleet, "ada", `T${task}`, { status: "done" });
    }
    await minute();
    expect(await alerts()).toEqual(["raised queue_depth:rust", "cleared queue_depth:rust"]);
  });

  test("alerts when an agent completes too little of its work", async () => {
    await planTasks(fleet, 6);
    for (let task = 1; task <= 6; task += 1) {
      await claimed(fleet, "ada");
      const status = task % 2 === 0 ? "failed" : "done";
      await report(fleet, "ada", `T${task}`, { status, retryable: false });
    }
    await minute();
    expect(await alerts()).toEqual(["raised completion_rate:ada"]);
  });

  test("takes the time that a call waited for no slowness", async () => {
    for (let time = 0; time < 15; time += 1) {
      const waits = fleet.call("ada", "request_task", { wait_seconds: 25 });
      await fleet.advance(26_000);
      expect(bodyOf(await waits)).toMatchObject({ reason: "nothing_ready" });
    }
    await minute();
    expect(await alerts()).toEqual([]);
    const waited = (await fleet.ledger()).filter(({ action }) => action === "request_task");
    // The first one registered ada, and that stood while it waited.
    expect(waited.map(({ decision }) => decision)).toEqual([
      "system",
      ...Array.from({ length: 15 }, () => "allow"),
    ]);
  });
});
