import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** What a finished `prepare` left in a workspace. */
export interface Prepared {
  /** Of its command and its key files. */
  readonly digest: string;
  /** Ignored paths it had made, relative to the workspace: while one is missing, it must run again. */
  readonly products: readonly string[];
}

/** Kept beside a workspace: whatever runs inside cannot remove it by tidying up. */
interface WorkspaceRecord {
  readonly objects: string;
  /** A user that never set it to idle again was killed: nothing inside can be relied on. */
  readonly state: "idle" | "in_use";
  readonly prepared: Prepared | null;
}

/** Undefined for what is missing, cut short or of another version: the workspace is made anew. */
export async function readRecord(path: string): Promise<WorkspaceRecord | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the record as a whole, so that no reader sees half of one. */
export async function writeRecord(path: string, record: WorkspaceRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function isRecord(value: unknown): value is WorkspaceRecord {
  return (
    isObject(value) &&
    typeof value["objects"] === "string" &&
    (value["state"] === "idle" || value["state"] === "in_use") &&
    (value["prepared"] === null || isPrepared(value["prepared"]))
  );
}

function isPrepared(value: unknown): value is Prepared {
  return (
    isObject(value) &&
    typeof value["digest"] === "string" &&
    Array.isArray(value["products"]) &&
    value["products"].every((path) => typeof path === "string")
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
