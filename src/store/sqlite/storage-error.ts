import { GuvnorError } from "../../core/errors.ts";

const FIXES: readonly (readonly [RegExp, string, string])[] = [
  [/^SQLITE_FULL/, "The disk is full", "Free some disk space; nothing that was answered is lost."],
  [
    /^SQLITE_READONLY/,
    "The database cannot be written",
    "Make the data directory writable for this user, then try again.",
  ],
  [
    /^SQLITE_(CORRUPT|NOTADB)/,
    "The database file is damaged",
    "Run `guvnor doctor`; put a backup of the data directory back if it says so.",
  ],
  [
    /^SQLITE_CANTOPEN/,
    "The database cannot be opened",
    "Check that the data directory exists and may be read and written.",
  ],
  [
    /^SQLITE_(IOERR|PROTOCOL|NOLFS)/,
    "The disk failed",
    "Check the disk, then run `guvnor doctor`.",
  ],
];

/** The library's code of an error ("SQLITE_BUSY"), undefined for any other error. */
function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" && error.code.startsWith("SQLITE_")
    ? error.code
    : undefined;
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && /^SQLITE_(BUSY|LOCKED)/.test(code);
}

/** Turns what the disk did into something a person can act on; leaves other errors as they are. */
export function toStorageError(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const known = FIXES.find(([pattern]) => pattern.test(code));
  if (known === undefined) return error;
  return new GuvnorError("storage_failed", `${known[1]} (${code}).`, known[2], { cause: error });
}
