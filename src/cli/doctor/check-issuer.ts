import { inspectIssuer } from "../../app.ts";
import type { Config } from "../../config.ts";
import { GuvnorError } from "../../core/errors.ts";
import { type Check, fail, ok } from "./check.ts";

/** Whoever vouches for the agents; nothing is looked at where guvnor itself does. */
export async function checkIssuer(config: Config): Promise<Check[]> {
  const found = await inspectIssuer(config);
  if (found === undefined) return [];
  const { server, login } = found;
  return [outcome("Vault", server), ...(login === undefined ? [] : [outcome("login", login)])];
}

function outcome(what: string, found: string | GuvnorError): Check {
  return found instanceof GuvnorError ? fail(what, found.message, found.fix) : ok(what, found);
}
