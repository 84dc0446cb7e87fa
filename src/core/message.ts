/** Something that waits for one agent; shown in `inbox` until acknowledged. */
export interface Message {
  readonly id: string;
  readonly to: string;
  readonly from: string;
  readonly kind: "message" | "task" | "topic" | "escalation" | "settings";
  /** What it is about, e.g. "T12" or "#build" for a channel. */
  readonly subject: string | null;
  readonly text: string;
  readonly atMs: number;
  readonly acknowledgedAtMs: number | null;
}
