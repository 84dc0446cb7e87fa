/** Writes into docs/consensus.md how often each method picks the best solution: node scripts/write-vote-accuracy.ts. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { accuracyTables, withAccuracy } from "./docs/vote-accuracy.ts";

const FILE = join(import.meta.dirname, "..", "docs", "consensus.md");

writeFileSync(FILE, withAccuracy(readFileSync(FILE, "utf8"), accuracyTables()));
