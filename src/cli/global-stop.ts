import { GuvnorError } from "../core/errors.ts";
import { globalStopFile, operatorKeyFile } from "../project-paths.ts";
import { writeGlobalStop } from "../runner/global-stop.ts";
import type { Cli } from "./cli.ts";
import { readOperatorKey } from "./operator-key.ts";
import type { Person } from "./operator.ts";

/** What a person says for all projects of this user; each follows at its next call. @returns the file. */
export function sayForAll(
  cli: Cli,
  person: Person,
  said: { readonly state: "stopped" | "resumed"; readonly reason: string },
): string {
  const key = readOperatorKey(cli.env)?.secret;
  if (said.state === "resumed" && key === undefined) throw keyNeeded(cli);
  const file = globalStopFile(cli.env);
  writeGlobalStop(file, { ...said, by: `person:${person.name}`, at_ms: Date.now() }, key);
  return file;
}

/** A stop may come from anybody; that work goes on has to be signed. */
function keyNeeded(cli: Cli): GuvnorError {
  return new GuvnorError(
    "person_required",
    `Only the operator key can resume all projects, and there is no ${operatorKeyFile(cli.env)}.`,
    "Put the key back, or run `guvnor init` in a terminal of your own: it makes one.",
  );
}
