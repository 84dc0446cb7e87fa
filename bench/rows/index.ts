import type { Row } from "../row.ts";
import { governedCall } from "./governed-call.ts";

/** In the order of docs/performance.md. */
export const ROWS: readonly Row[] = [governedCall];
