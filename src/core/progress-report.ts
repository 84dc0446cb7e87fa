import type { Artifact } from "./task.ts";

/** What the holder of a task says of it. */
export interface ProgressReport {
  readonly task_id: string;
  readonly fence?: number | undefined;
  readonly status: "working" | "blocked" | "done" | "failed" | "released";
  readonly percent?: number | undefined;
  readonly note?: string | undefined;
  readonly commit?: string | undefined;
  readonly outputs?: Readonly<Record<string, unknown>> | undefined;
  readonly artifacts?: readonly Artifact[] | undefined;
  readonly blocker?: { kind: string; text: string; blocked_by?: string | undefined } | undefined;
  readonly retryable?: boolean | undefined;
}
