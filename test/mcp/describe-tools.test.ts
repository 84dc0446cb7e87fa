import { expect, it } from "vitest";
import { z } from "zod";

import { describeTool } from "../../src/mcp/describe-tools.ts";
import { defineTool } from "../../src/tools/define-tool.ts";

it("keeps references of recursive shapes within the whole schema", () => {
  const Part = z.object({
    name: z.string(),
    get parts() {
      return z.array(Part);
    },
  });
  const { inputSchema, outputSchema } = describeTool(
    defineTool({
      name: "get_parts",
      class: "read",
      title: "Parts",
      description: "Answers parts.",
      input: z.object({}),
      output: z.strictObject({ root: Part, open: z.record(z.string(), z.number()) }),
      hints: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
      toolset: "core",
      alwaysLoad: false,
      handle: () => Promise.reject(new Error("Nobody calls it.")),
    }),
  );
  expect(inputSchema).toEqual({ type: "object", properties: {}, additionalProperties: false });
  const text = JSON.stringify(outputSchema);
  const [, name = ""] = /"#\/\$defs\/(\w+)"/.exec(text) ?? [];
  expect(outputSchema).toHaveProperty(["$defs", name]);
  expect(text).not.toContain('"additionalProperties":false');
  expect(text).not.toContain("$schema");
  expect(outputSchema).toMatchObject({
    anyOf: [
      { properties: { open: { additionalProperties: { type: "number" } } } },
      { required: ["code", "message", "fix"] },
    ],
  });
});
