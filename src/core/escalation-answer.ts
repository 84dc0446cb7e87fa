import { RESOLUTIONS, type Resolution } from "./escalation.ts";
import { fromIso } from "./iso-time.ts";

const MAX_CHARACTERS = 4000;
const ISO_TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}(Z|[+-][0-9]{2}:[0-9]{2})$/;

/**
 * What the outputs of a task say that puts a question: `answer`, and of a lead `resolution` and
 * `exception_until`. Others answer; they decide nothing and grant nothing.
 * @returns The resolution, or what is wrong with it.
 */
export function readAnswer(
  outputs: Readonly<Record<string, unknown>>,
  isLead: boolean,
  nowMs: number,
): Resolution | { readonly problem: string } {
  const { answer, resolution, exception_until: until } = outputs;
  // Outputs of several reports are merged: what was said once is taken back with null.
  const how = resolution ?? "answer";
  const text = typeof answer === "string" ? answer.trim() : "";
  if (text === "") return { problem: "Say it in outputs.answer, as text." };
  if (text.length > MAX_CHARACTERS) {
    return {
      problem: `outputs.answer may have ${MAX_CHARACTERS} characters; name a file for more.`,
    };
  }
  const known = RESOLUTIONS.find((each) => each === how);
  if (known === undefined) {
    return { problem: `outputs.resolution is one of ${RESOLUTIONS.join(", ")}.` };
  }
  if (known !== "answer" && !isLead) {
    return {
      problem:
        'Only a lead may decide or grant: give it with outputs.resolution "answer", or report failed.',
    };
  }
  if (known !== "exception") return { how: known, text, untilMs: null };
  const untilMs = typeof until === "string" && ISO_TIME.test(until) ? fromIso(until) : Number.NaN;
  if (untilMs > nowMs) return { how: known, text, untilMs };
  return { problem: "An exception needs outputs.exception_until, an ISO time that is to come." };
}
