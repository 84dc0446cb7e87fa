import { GuvnorError } from "../core/errors.ts";

/** A mistake on the command line; exit code 2. */
export class UsageError extends GuvnorError {
  constructor(message: string, fix = "Run the command with --help.") {
    super("input_invalid", message, fix);
    this.name = "UsageError";
  }
}
