import type { JsonObject } from "../engine/call.ts";

/** Answers are plain JSON; these read parts that may be absent. */

export function rowsOf(answer: JsonObject, name: string): readonly JsonObject[] {
  const found = answer[name];
  return Array.isArray(found) ? (found as JsonObject[]) : [];
}

export function objectOf(answer: JsonObject, name: string): JsonObject {
  const found = answer[name];
  return typeof found === "object" && found !== null ? (found as JsonObject) : {};
}

export function textOf(answer: JsonObject, name: string): string | undefined {
  const found = answer[name];
  return typeof found === "string" ? found : undefined;
}

/** "a, b, c" of a list of names; undefined when there are none. */
export function listOf(answer: JsonObject, name: string): string | undefined {
  const found = answer[name];
  return Array.isArray(found) && found.length > 0 ? found.map(String).join(", ") : undefined;
}

/** "3 ready, 1 running" of counts by name. */
export function countsOf(answer: JsonObject, name: string): string {
  const counts = Object.entries(objectOf(answer, name)).map(
    ([state, count]) => `${String(count)} ${state}`,
  );
  return counts.length === 0 ? "none" : counts.join(", ");
}

/** "2026-11-21 09:30" of an ISO time. */
export function shortTime(time: unknown): string {
  return typeof time === "string" ? `${time.slice(0, 10)} ${time.slice(11, 16)}` : "";
}
