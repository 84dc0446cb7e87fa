/** Writes guvnor.schema.json; run it after a change of the settings' schema. */
import { writeFileSync } from "node:fs";

import { settingsJsonSchema } from "../src/cli/settings-json-schema.ts";

writeFileSync(new URL("../guvnor.schema.json", import.meta.url), settingsJsonSchema());
