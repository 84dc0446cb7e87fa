import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { PROFILES } from "../../src/core/settings.ts";
import { loadPolicy } from "../../src/policy/load-policy.ts";
import { loadSettings } from "../../src/policy/load-settings.ts";
import { profileSource } from "../../src/policy/profiles.ts";
import { settingsHash } from "../../src/policy/settings-hash.ts";
import { TOOL_TYPES } from "./rules.ts";

const ROOT = join(import.meta.dirname, "../..");

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

describe.each(PROFILES)("the profile %s", (profile) => {
  it("loads and compiles", () => {
    const source = `version: 1\nprofile: ${profile}\n`;
    const { settings, policy } = loadPolicy(source, "guvnor.yaml", TOOL_TYPES);
    expect(settings.profile).toBe(profile);
    expect(policy.tools.size).toBe(TOOL_TYPES.length);
  });

  it("is a file of the package, with words for a person", () => {
    const file = readFileSync(join(ROOT, "profiles", `${profile}.yaml`), "utf8");
    expect(profileSource(profile)).toBe(file);
    expect(file).toMatch(new RegExp(`^# guvnor's profile "${profile}": `));
    const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      files: string[];
    };
    expect(files).toContain("profiles");
  });

  it("lets a file take effect by itself only if it is open", () => {
    const { autoApply } = loadSettings(`version: 1\nprofile: ${profile}\n`, "guvnor.yaml");
    expect(autoApply).toBe(profile === "open");
  });
});

describe("the profile strict", () => {
  it("has exactly what it promises", () => {
    const { limits, policy, tiers, violations, stall, health } = loadSettings(
      "version: 1\nprofile: strict\n",
      "guvnor.yaml",
    );
    const shared = { of: "agent", perMs: 60_000, on: ["*"], tier: null };
    expect(policy).toEqual({ default: "allow", rules: [] });
    expect(limits).toEqual([
      {
        ...shared,
        id: "errors",
        metric: "errors",
        max: 5,
        response: "revoke",
        repeat: null,
        diagnose: true,
      },
      {
        ...shared,
        id: "calls",
        metric: "calls",
        max: 100,
        response: "throttle",
        repeat: { times: 3, withinMs: 600_000, response: "revoke" },
        diagnose: false,
      },
      {
        ...shared,
        id: "messages",
        metric: "calls",
        max: 20,
        on: ["send_message"],
        response: "throttle",
        repeat: null,
        diagnose: false,
      },
    ]);
    expect(tiers).toMatchObject({ start: "T0", promote: null, demote: null });
    expect(violations).toEqual({
      low: "record",
      medium: "record",
      high: "record",
      critical: "revoke_all",
    });
    expect(stall).toEqual({ afterMs: 60_000, response: "revoke" });
    expect(health).toEqual({
      reportIntervalMs: 60_000,
      thresholds: { responseTimeMs: 5000, completionRate: 0.95, errorRate: 0.01, queueDepth: 10 },
    });
  });
});

describe("the other profiles", () => {
  it.each(["open", "standard"])("%s starts agents at T2 and revokes no stalled one", (profile) => {
    const settings = loadSettings(`version: 1\nprofile: ${profile}\n`, "guvnor.yaml");
    expect(settings.tiers.start).toBe("T2");
    expect(settings.stall).toEqual({ afterMs: 900_000, response: "reassign" });
  });

  it("open stops nothing but floods", () => {
    const settings = loadSettings("version: 1\nprofile: open\n", "guvnor.yaml");
    expect(settings.limits.map(({ metric, response }) => [metric, response])).toEqual([
      ["calls", "throttle"],
    ]);
    expect(new Set(Object.values(settings.violations))).toEqual(new Set(["record"]));
    expect(settings.breakers).toEqual({ agent: null, tool: null });
    expect(new Set(Object.values(settings.health.thresholds))).toEqual(new Set([null]));
  });

  it("standard throttles, revokes at errors, and lets three tasks run", () => {
    const { limits } = loadSettings("version: 1\n", "guvnor.yaml");
    expect(limits.map(({ metric, max, response }) => [metric, max, response])).toEqual([
      ["calls", 600, "throttle"],
      ["errors", 20, "revoke"],
      ["calls", 60, "throttle"],
      ["running_tasks", 3, "deny"],
    ]);
    expect(limits[0]?.repeat).toMatchObject({ response: "revoke" });
    expect(limits[1]?.diagnose).toBe(true);
  });
});

describe("the hash of an applied version", () => {
  it("changes with the file and with the profile's text, and with nothing else", () => {
    const hash = settingsHash("a", "b", sha256);
    expect(hash).toBe(sha256(`${sha256("b")}\na`));
    expect(settingsHash("a", "b", sha256)).toBe(hash);
    expect(
      new Set([hash, settingsHash("a", "c", sha256), settingsHash("b", "a", sha256)]).size,
    ).toBe(3);
  });
});
