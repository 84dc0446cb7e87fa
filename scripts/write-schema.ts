/** Writes guvnor.schema.json: after a change of the settings' schema run it, then `npm run format`. */
import { writeFileSync } from "node:fs";

import { settingsJsonSchema } from "../src/cli/settings-json-schema.ts";

writeFileSync(new URL("../guvnor.schema.json", import.meta.url), settingsJsonSchema());
