const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line that grew past the limit; its bytes were thrown away as they came. */
export const TOO_LONG = Symbol("too long");

/** Cuts a stream of bytes into lines, holding at most `maxBytes` of an unfinished one. */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  /** Bytes in `#parts`. */
  #held = 0;
  /** The rest of a line whose beginning was already thrown away. */
  #skipping = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, without their ends; `TOO_LONG` once for each oversized one. */
  *push(chunk: Buffer): Generator<Buffer | typeof TOO_LONG> {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      const part = chunk.subarray(from, end === -1 ? chunk.length : end);
      if (this.#take(part)) yield TOO_LONG;
      if (end === -1) return;
      from = end + 1;
      const line = this.#finish();
      if (line !== undefined) yield line;
    }
  }

  /** True when the line has just become too long. */
  #take(part: Buffer): boolean {
    if (this.#skipping) return false;
    if (this.#held + part.length > this.#maxBytes) {
      this.#parts = [];
      this.#held = 0;
      this.#skipping = true;
      return true;
    }
    if (part.length > 0) this.#parts.push(part);
    this.#held += part.length;
    return false;
  }

  #finish(): Buffer | undefined {
    if (this.#skipping) {
      this.#skipping = false;
      return undefined;
    }
    const [first, ...more] = this.#parts;
    const line = first !== undefined && more.length === 0 ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#held = 0;
    return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  }
}
