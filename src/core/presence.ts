/** How often a process beats for its agents. */
export const BEAT_MS = 5000;
/** Without a new beat for this long, a process is taken for gone. */
export const PRESENCE_MS = 15_000;
/** How often each process looks after what is due. */
export const TICK_MS = 1000;

/** What one observer knows of another process. */
export interface Observation {
  readonly beat: number;
  /** How much of the observer's own running time passed since `beat` was first seen. */
  readonly unchangedMs: number;
}

export interface Observed {
  readonly observations: ReadonlyMap<string, Observation>;
  /** Processes to be taken for gone. */
  readonly silent: readonly string[];
}

/**
 * Compares beats, never clocks: a process is silent when its beat did not change during
 * PRESENCE_MS of the observer's *own running time*. An observer that was suspended, or has just
 * started, or could not beat itself, has not watched long enough and judges nobody. The idea of
 * timing a foreign lease by one's own clock is from Gray & Cheriton, "Leases" (SOSP 1989).
 *
 * @param elapsedMs - Time since the observer's last look; a longer gap than two ticks counts as two.
 */
export function observe(
  before: ReadonlyMap<string, Observation>,
  beats: readonly { readonly id: string; readonly beat: number }[],
  ownId: string,
  elapsedMs: number,
): Observed {
  const counted = Math.min(Math.max(elapsedMs, 0), 2 * TICK_MS);
  const observations = new Map<string, Observation>();
  for (const { id, beat } of beats) {
    const known = before.get(id);
    const unchangedMs = known?.beat === beat ? known.unchangedMs + counted : 0;
    observations.set(id, { beat, unchangedMs });
  }
  const own = observations.get(ownId);
  // Whoever cannot write its own beat cannot tell silence from a blocked store.
  if (own === undefined || own.unchangedMs >= 2 * BEAT_MS) {
    return { observations: new Map(), silent: [] };
  }
  const silent = beats
    .filter(({ id }) => id !== ownId && (observations.get(id)?.unchangedMs ?? 0) >= PRESENCE_MS)
    .map(({ id }) => id);
  return { observations, silent };
}
