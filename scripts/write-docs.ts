/** Writes the pages of docs/ that are made from the code: `npm run docs`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { generatedPages } from "./docs/pages.ts";

const ROOT = join(import.meta.dirname, "..");

for (const [path, text] of await generatedPages()) writeFileSync(join(ROOT, path), text);
