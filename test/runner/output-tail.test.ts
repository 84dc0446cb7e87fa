import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { cleanText, createOutputTail } from "../../src/runner/output-tail.ts";

function tailOf(
  chunks: readonly Buffer[],
  maxBytes = 8192,
): ReturnType<ReturnType<typeof createOutputTail>["text"]> {
  const tail = createOutputTail(maxBytes);
  const read = tail.reader();
  for (const chunk of chunks) read(chunk);
  return tail.text();
}

describe("createOutputTail", () => {
  it("joins characters that were cut between chunks, whatever the other stream wrote", () => {
    const tail = createOutputTail(100);
    const [out, err] = [tail.reader(), tail.reader()];
    for (const byte of Buffer.from("é🐝")) {
      out(Buffer.from([byte]));
      err(Buffer.from("."));
    }
    expect(tail.text()).toEqual({ outputTail: ".é....🐝.", outputCut: false });
  });

  it("shows a character that never ended, and bytes that are none, as U+FFFD", () => {
    expect(tailOf([Buffer.from([0x61, 0xc3])]).outputTail).toBe("a\u{FFFD}");
    expect(tailOf([Buffer.from([0xff, 0x62])]).outputTail).toBe("\u{FFFD}b");
  });

  it("keeps the end, and says that something is missing", () => {
    const found = tailOf([Buffer.from("first\nsecond\nthird\n")], 8);
    expect(found).toEqual({ outputTail: "d\nthird\n", outputCut: true });
  });

  it("keeps no part of an escape sequence that was cut", () => {
    const line = "\u001B[38;2;100;100;100mx\u001B[0m\n";
    const { outputTail } = tailOf([Buffer.from(line.repeat(1000))], 50);
    expect(outputTail).toMatch(/^(x\n)+$/);
  });

  it("is always well-formed, clean and short, however the bytes were cut", () => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 64 }), (chunks, maxBytes) => {
        const { outputTail } = tailOf(
          chunks.map((chunk) => Buffer.from(chunk)),
          maxBytes,
        );
        expect(Buffer.byteLength(outputTail)).toBeLessThanOrEqual(maxBytes);
        expect(outputTail).not.toMatch(/\p{Cs}/u);
        expect(outputTail.replaceAll(/[\n\t]/g, "")).not.toMatch(/\p{Cc}/u);
      }),
    );
  });

  it("says exactly what came when it is short and clean", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 50 }).filter((s) => cleanText(s) === s);
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 9 }), (written, size) => {
        const bytes = Buffer.from(written);
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        expect(tailOf(chunks)).toEqual({ outputTail: written, outputCut: false });
      }),
    );
  });
});

describe("cleanText", () => {
  it.each([
    ["\u001B[31mred\u001B[0m", "red"],
    ["\u001B]0;title\u0007after", "after"],
    ["a\u0000b\u0008c\u007F\u009Cd", "abcd"],
    ["one\r\ntwo\r\r\nthree", "one\ntwo\nthree"],
    ["10%\r20%\rdone\n", "10%\n20%\ndone\n"],
    ["tab\tstays\n", "tab\tstays\n"],
    ["lone \uD800 half", "lone \u{FFFD} half"],
    ["\u001B", ""],
  ])("turns %j into %j", (written, clean) => {
    expect(cleanText(written)).toBe(clean);
  });
});
