const running = new Set<number>();

/** Remembers a process that this run has started, so that none outlives it. */
export function childStarted(pid: number): void {
  running.add(pid);
}

export function childEnded(pid: number): void {
  running.delete(pid);
}

export function killChildren(): void {
  for (const pid of running) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
  running.clear();
}
