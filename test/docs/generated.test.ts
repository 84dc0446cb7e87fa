import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { ERROR_TEXTS } from "../../scripts/docs/error-texts.ts";
import { FILE_FIELDS, fileFields } from "../../scripts/docs/file-fields.ts";
import { playGoldens } from "../../scripts/docs/goldens/play.ts";
import { generatedPages } from "../../scripts/docs/pages.ts";
import { ERROR_CODES } from "../../src/core/errors.ts";
import { TOOLS } from "../../src/tools/index.ts";

const ROOT = join(import.meta.dirname, "../..");

const pages = await generatedPages();

describe("the pages that are written from the code", () => {
  it.each([...pages])("%s is as `npm run docs` writes it", (path, text) => {
    expect(readFileSync(join(ROOT, path), "utf8")).toBe(text);
  });

  it("come out the same each time", async () => {
    expect(await generatedPages()).toEqual(pages);
  });
});

describe("the golden answers", async () => {
  const goldens = await playGoldens();

  it.each(TOOLS.map(({ name }) => name))("show %s succeed and be refused", (name) => {
    const own = goldens.filter(({ tool }) => tool === name);
    expect(new Set(own.map(({ refused }) => refused))).toEqual(new Set([true, false]));
    expect(new Set(own.map(({ outcome }) => outcome)).size).toBe(own.length);
  });

  it("tell the next step in every success, but for pictures of what is there", () => {
    const silent = goldens.filter(({ refused, answer }) => !refused && !("next" in answer));
    expect(new Set(silent.map(({ tool }) => tool))).toEqual(new Set(["get_status"]));
  });

  it("tell what to do in every refusal", () => {
    const fixes = goldens.filter(({ refused }) => refused).map(({ answer }) => answer["fix"]);
    expect(fixes.filter((fix) => typeof fix !== "string" || fix.length < 10)).toEqual([]);
  });
});

describe("the texts beside the tables", () => {
  it("explain every error code and no other", () => {
    expect(Object.keys(ERROR_TEXTS)).toEqual([...ERROR_CODES]);
    for (const { meaning, remedy } of Object.values(ERROR_TEXTS)) {
      expect(meaning).toMatch(/\.$/);
      expect(remedy).toMatch(/\.$/);
    }
  });

  it("explain every field of guvnor.yaml and no other", () => {
    expect(Object.keys(FILE_FIELDS)).toEqual(fileFields().map(({ path }) => path));
  });
});

describe("the list of error codes", () => {
  it("has no code that the sources never name", () => {
    const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && file !== join("core", "errors.ts"))
      .map((file) => readFileSync(join(ROOT, "src", file), "utf8"))
      .join("\n");
    expect(ERROR_CODES.filter((name) => !sources.includes(`"${name}"`))).toEqual([]);
  });
});
