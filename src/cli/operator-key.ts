import { createHash, randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { GuvnorError } from "../core/errors.ts";
import { operatorKeyFile } from "../project-paths.ts";
import { systemCode } from "./explain-error.ts";

/**
 * What vouches for the person: 32 random bytes in hex, outside of every repository, readable by
 * its owner only. A project keeps the SHA-256 of the hex digits.
 */
export interface OperatorKey {
  readonly file: string;
  readonly hash: string;
  /** The key itself; it signs what is said for all projects, and goes nowhere. */
  readonly secret: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The key of this user; undefined where there is none.
 * @throws {GuvnorError} `key_invalid` when others can read it, or it is no key.
 */
export function readOperatorKey(env: Environment): OperatorKey | undefined {
  const file = operatorKeyFile(env);
  try {
    if (!lstatSync(file).isFile() && !statSync(file).isFile()) throw badKey(file, "is no file");
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new GuvnorError(
        "key_invalid",
        `Others than you can read the operator key ${file}.`,
        `Take that away: chmod 600 ${file}`,
      );
    }
    const text = readFileSync(file, "utf8").trim();
    if (!/^[0-9a-f]{64}$/.test(text)) throw badKey(file, "does not hold 64 hex digits");
    return { file, hash: hashKey(text), secret: text };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (error instanceof GuvnorError) throw error;
    throw badKey(file, "cannot be read", error);
  }
}

/** Makes the key; another process that made one first wins, and its key is answered. */
export function makeOperatorKey(env: Environment): OperatorKey {
  const file = operatorKeyFile(env);
  const text = randomBytes(32).toString("hex");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600, flag: "wx" });
    return { file, hash: hashKey(text), secret: text };
  } catch (error) {
    const made = systemCode(error) === "EEXIST" ? readOperatorKey(env) : undefined;
    if (made !== undefined) return made;
    throw error;
  }
}

function hashKey(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function badKey(file: string, what: string, cause?: unknown): GuvnorError {
  return new GuvnorError(
    "key_invalid",
    `The operator key ${file} ${what}.`,
    "Put the right key back, or remove the file and work from a terminal of your own.",
    { cause },
  );
}
