import { toJSONSchema } from "zod";

import { settingsSchema } from "../policy/settings-schema.ts";

/** The JSON Schema of guvnor.yaml for editors, as text; guvnor.schema.json is this. */
export function settingsJsonSchema(): string {
  const { $schema, ...schema } = toJSONSchema(settingsSchema(), { io: "input" });
  return `${JSON.stringify({ $schema, title: "guvnor.yaml", ...schema }, null, 2)}\n`;
}
