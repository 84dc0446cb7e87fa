/** One line of `guvnor doctor`. */
export interface Check {
  readonly what: string;
  readonly level: "ok" | "warn" | "fail";
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(what: string, found: string): Check {
  return { what, level: "ok", found };
}

export function warn(what: string, found: string, fix: string): Check {
  return { what, level: "warn", found, fix };
}

export function fail(what: string, found: string, fix: string): Check {
  return { what, level: "fail", found, fix };
}
