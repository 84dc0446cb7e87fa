import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { LineSplitter, TOO_LONG } from "../../src/mcp/line-splitter.ts";

function split(splitter: LineSplitter, chunks: readonly Uint8Array[]): (string | symbol)[] {
  return chunks.flatMap((chunk) =>
    [...splitter.push(Buffer.from(chunk))].map((line) =>
      line === TOO_LONG ? line : line.toString("latin1"),
    ),
  );
}

/** Bytes with many line ends among them. */
const byte = fc.oneof(fc.constantFrom(0x0a, 0x0d), fc.nat({ max: 255 }));
const chunks = fc.array(fc.array(byte, { maxLength: 8 }).map((bytes) => Uint8Array.from(bytes)));

describe("LineSplitter", () => {
  it("finds the same lines however the bytes are cut", () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const whole = Buffer.concat(parts).toString("latin1");
        const lines = whole.split("\n").slice(0, -1);
        const expected = lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
        expect(split(new LineSplitter(10_000), parts)).toEqual(expected);
      }),
    );
  });

  it("throws away exactly the lines that are too long", () => {
    fc.assert(
      fc.property(chunks, fc.nat({ max: 6 }), (parts, maxBytes) => {
        const found = split(new LineSplitter(maxBytes), [...parts, Buffer.from("\n")]);
        const whole = `${Buffer.concat(parts).toString("latin1")}\n`;
        const expected = whole
          .split("\n")
          .slice(0, -1)
          .map((line) => (line.length > maxBytes ? TOO_LONG : line.replace(/\r$/, "")));
        expect(found).toEqual(expected);
      }),
    );
  });

  it("says that a line is too long while it still comes in", () => {
    const splitter = new LineSplitter(4);
    expect(split(splitter, [Buffer.from("123")])).toEqual([]);
    expect(split(splitter, [Buffer.from("45")])).toEqual([TOO_LONG]);
    expect(split(splitter, [Buffer.from("6789"), Buffer.from("0\nok\n")])).toEqual(["ok"]);
  });
});
