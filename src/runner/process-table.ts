/** One process as the operating system lists it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly group: number;
  /** 0 where the system does not tell. */
  readonly session: number;
  /** Ended, and only waiting for its parent to take note. */
  readonly zombie: boolean;
  /** As the kernel counts it; together with the pid it names a process for good. */
  readonly startTime: string;
}

/**
 * What can be asked about processes. Everything is synchronous: a look that waits halfway sees
 * less. Processes that end meanwhile are left out, never an error.
 */
export interface ProcessTable {
  /** Changes with every boot; empty when unknown. */
  readonly bootId: string;
  /** Empty when unknown. */
  readonly pidNamespace: string;
  /** One after the other as they are read, so that what is found can be acted on at once. */
  list(): Iterable<ProcessEntry>;
  read(pid: number): ProcessEntry | undefined;
  residentBytes(entry: ProcessEntry): number;
  /** Value of a variable in the environment the process was started with, where we may see it. */
  environmentValue(entry: ProcessEntry, name: string): string | undefined;
}
