import { createHash } from "node:crypto";

import { canonicalJson } from "../canonical-json.ts";

/**
 * The order in which one voter sees the solutions of a topic: its own for each voter, so that no
 * solution gains by standing first, and always the same, so that it can be recomputed. Sorted by
 * the SHA-256 of the canonical JSON of [seedHash, topicId, voter, id]; the order of `ids` does not
 * matter.
 *
 * @param seedHash - What the topic's voters could not foresee, such as the audit head at opening.
 */
export function shuffledFor(
  voter: string,
  topicId: string,
  ids: readonly string[],
  seedHash: string,
): string[] {
  const keyed = ids.map((id) => {
    const text = canonicalJson([seedHash, topicId, voter, id]);
    return { id, key: createHash("sha256").update(text, "utf8").digest("hex") };
  });
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map(({ id }) => id);
}
