import { StringDecoder } from "node:string_decoder";
import { stripVTControlCharacters } from "node:util";

/** Kept before cleaning, in multiples of the wanted length: colours may be most of an output. */
const RAW_FACTOR = 4;

export interface OutputTail {
  /** Reads from one stream; each stream needs its own, as characters may span its chunks. */
  reader(): (chunk: Buffer) => void;
  text(): { readonly outputTail: string; readonly outputCut: boolean };
}

/** Keeps the last `maxBytes` of several streams in order of arrival, as clean text. */
export function createOutputTail(maxBytes: number): OutputTail {
  const decoders: StringDecoder[] = [];
  let raw = "";
  let dropped = false;
  const append = (text: string): void => {
    raw += text;
    // Cut rarely: each cut copies what is kept.
    if (raw.length <= 2 * RAW_FACTOR * maxBytes) return;
    raw = raw.slice(-RAW_FACTOR * maxBytes);
    dropped = true;
  };
  return {
    reader: () => {
      const decoder = new StringDecoder("utf8");
      decoders.push(decoder);
      return (chunk) => {
        append(decoder.write(chunk));
      };
    },
    text: () => {
      // A character that never got its last byte shows as U+FFFD.
      for (const decoder of decoders.splice(0)) append(decoder.end());
      // Cut anywhere, even within an escape sequence: the rest of that line is not worth guessing.
      const whole = dropped ? raw.slice(raw.indexOf("\n") + 1) : raw;
      const clean = cleanText(whole);
      const outputTail = lastBytes(clean, maxBytes);
      return { outputTail, outputCut: dropped || outputTail.length < clean.length };
    },
  };
}

/** Text that is safe to show anywhere: no escape sequences, no control characters but \n and \t. */
export function cleanText(text: string): string {
  return (
    stripVTControlCharacters(text)
      // A lone \r is a line written over, as progress bars do: keep the lines apart.
      .replaceAll(/\r+\n?/g, "\n")
      .replaceAll(/\p{Cc}/gu, (control) => (control === "\n" || control === "\t" ? control : ""))
      .replaceAll(/\p{Cs}/gu, "\u{FFFD}")
  );
}

function lastBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= maxBytes) return text;
  let from = bytes.length - maxBytes;
  // Bytes 10xxxxxx continue a character that began before the cut.
  while (((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
  return bytes.toString("utf8", from);
}
