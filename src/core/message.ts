/**
 * Something that waits for one agent; shown in `inbox` until acknowledged: a notice of guvnor's own,
 * or the delivery of a post, which then has the post's id.
 */
export interface Message {
  readonly id: string;
  readonly to: string;
  readonly from: string;
  readonly kind: "message" | "task" | "topic" | "escalation" | "settings";
  /** What it is about, e.g. "T12" or "#build" for a channel. */
  readonly subject: string | null;
  /** Where it was said; null for a notice. */
  readonly channel: string | null;
  readonly replyTo: string | null;
  readonly text: string;
  readonly atMs: number;
  /** When an answer first held it; only what was given can be acknowledged by `after`. */
  readonly givenAtMs: number | null;
  readonly acknowledgedAtMs: number | null;
}

/** What somebody said in a channel: stored once, delivered to many, never changed or deleted. */
export interface Post {
  /** Rises with each post of the project: the order of every channel. */
  readonly id: string;
  readonly channel: string;
  /** An agent, or "person:pat". */
  readonly from: string;
  readonly text: string;
  readonly replyTo: string | null;
  readonly atMs: number;
}
