import { GuvnorError } from "../core/errors.ts";
import type { ResourceReader } from "../engine/resources.ts";

/** Listening requests of one modern client, and resources in each. */
export const MAX_LISTENS = 64;
export const MAX_URIS_PER_LISTEN = 256;
const MAX_WATCHED = MAX_LISTENS * MAX_URIS_PER_LISTEN;

interface Watch {
  readonly stop: () => void;
  /** Why it is watched: the client's subscription, or the ids of its listening requests. */
  readonly holders: Set<unknown>;
}

/** The resources that one connection's client wants to hear about. */
export class ResourceWatches {
  readonly #reader: ResourceReader;
  readonly #watches = new Map<string, Watch>();
  readonly #changed = new Set<string>();
  #notify: (uri: string) => void = () => {};

  constructor(reader: ResourceReader) {
    this.#reader = reader;
  }

  /** Changes go to the server made last: the one of a probe never has subscriptions. */
  notifyWith(notify: (uri: string) => void): void {
    this.#notify = notify;
  }

  /** @throws {GuvnorError} `input_too_large` when the client watches too much already. */
  add(holder: unknown, uri: string): void {
    const known = this.#watches.get(uri);
    if (known !== undefined) {
      known.holders.add(holder);
      return;
    }
    if (this.#watches.size >= MAX_WATCHED) {
      const fix = "Unsubscribe from resources that are no longer needed.";
      throw new GuvnorError("input_too_large", `${MAX_WATCHED} resources are watched.`, fix);
    }
    const stop = this.#reader.watch(uri, () => this.#noteChange(uri));
    this.#watches.set(uri, { stop, holders: new Set([holder]) });
  }

  /** Changes of one turn of the event loop are told once, outside the commit that caused them. */
  #noteChange(uri: string): void {
    if (this.#changed.size === 0) setImmediate(() => this.#tellChanges());
    this.#changed.add(uri);
  }

  #tellChanges(): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const uri of changed) if (this.#watches.has(uri)) this.#notify(uri);
  }

  remove(holder: unknown, uri: string): void {
    const watch = this.#watches.get(uri);
    if (watch === undefined) return;
    watch.holders.delete(holder);
    if (watch.holders.size > 0) return;
    this.#watches.delete(uri);
    watch.stop();
  }

  removeAllOf(holder: unknown): void {
    for (const uri of this.#watches.keys()) this.remove(holder, uri);
  }

  stopAll(): void {
    for (const watch of this.#watches.values()) watch.stop();
    this.#watches.clear();
  }
}
