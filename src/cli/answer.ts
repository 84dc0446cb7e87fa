import type { JsonObject } from "../engine/call.ts";

/** Answers are plain JSON; these read parts that may be absent. */

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON that must hold an object; undefined for any other text. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function rowsOf(answer: JsonObject, name: string): readonly JsonObject[] {
  const found = answer[name];
  return Array.isArray(found) ? found.filter(isObject) : [];
}

export function objectOf(answer: JsonObject, name: string): JsonObject {
  const found = answer[name];
  return isObject(found) ? found : {};
}

export function namesOf(answer: JsonObject, name: string): readonly string[] {
  const found = answer[name];
  return Array.isArray(found) ? found.map(String) : [];
}

/** The value as text; undefined when there is none. */
export function textOf(answer: JsonObject, name: string): string | undefined {
  const found = answer[name];
  if (typeof found === "string") return found;
  if (found === undefined || found === null) return undefined;
  return JSON.stringify(found);
}

/** The value as text; empty when there is none. */
export function wordOf(answer: JsonObject, name: string): string {
  return textOf(answer, name) ?? "";
}

/** "a, b, c" of a list of names; undefined when there are none. */
export function listOf(answer: JsonObject, name: string): string | undefined {
  const names = namesOf(answer, name);
  return names.length === 0 ? undefined : names.join(", ");
}

/** "3 ready, 1 running" of counts by name. */
export function countsOf(answer: JsonObject, name: string): string {
  const counts = objectOf(answer, name);
  const parts = Object.keys(counts).map((state) => `${wordOf(counts, state)} ${state}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** "2026-11-21 09:30" of an ISO time. */
export function shortTime(time: unknown): string {
  return typeof time === "string" ? `${time.slice(0, 10)} ${time.slice(11, 16)}` : "";
}
