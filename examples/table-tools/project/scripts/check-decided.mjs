// Fails unless the named question has a decision that says which method it is.
import { existsSync, readFileSync } from "node:fs";

const file = `docs/decisions/${process.argv[2]}.md`;
const text = existsSync(file) ? readFileSync(file, "utf8") : "";
if (!/^Method: \S+$/m.test(text)) {
  console.error(`${file} does not say "Method: …".`);
  process.exitCode = 1;
}
