import { createHash } from "node:crypto";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  chainHash,
  checkChain,
  commitInput,
  GENESIS_HASH,
  type ChainedEntry,
  type ChainHead,
} from "../../src/core/audit-chain.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";

const START: ChainHead = { seq: 0, hash: GENESIS_HASH };

function chain(bodies: readonly string[], from: ChainHead = START): ChainedEntry[] {
  let head = from;
  return bodies.map((body) => {
    const seq = head.seq + 1;
    const entry = { seq, prevHash: head.hash, hash: chainHash(head.hash, seq, body), body };
    head = entry;
    return entry;
  });
}

const bodies = fc.array(
  fc
    .record({ actor: fc.string(), duration_us: fc.nat(), reason: fc.option(fc.string()) })
    .map((body) => canonicalJson({ v: 1, ...body })),
  { minLength: 1, maxLength: 8 },
);
/** A chain that holds, with the index of one of its entries. */
const chainAndIndex = bodies.chain((list) =>
  fc.tuple(fc.constant(chain(list)), fc.nat({ max: list.length - 1 })),
);

describe("chainHash", () => {
  test("it is the SHA-256 of the three parts, a line each, as a shell computes it", () => {
    const body = '{"actor":"zoë","v":1}';
    expect(chainHash(GENESIS_HASH, 1, body)).toBe(
      createHash("sha256")
        .update(Buffer.concat([Buffer.from(`${GENESIS_HASH}\n1\n`), Buffer.from(body)]))
        .digest("hex"),
    );
    // printf '%s\n%s\n%s' "$(printf '0%.0s' $(seq 64))" 1 '{}' | sha256sum
    expect(chainHash(GENESIS_HASH, 1, "{}")).toBe(
      "857ee6299d26533d1f5f46c02209ae8bc34dc4898a8a9545493946b4ea59d6f3",
    );
  });
});

describe("commitInput", () => {
  test("it is the SHA-256 of the nonce's bytes and then the payload's", () => {
    const bytes = Buffer.concat([Buffer.from([0x00, 0xff, 0x10]), Buffer.from("sealed: é")]);
    expect(commitInput("00FF10", "sealed: é")).toBe(
      createHash("sha256").update(bytes).digest("hex"),
    );
  });

  test("a guessed payload cannot be confirmed without the nonce", () => {
    expect(commitInput("00", "yes")).not.toBe(commitInput("01", "yes"));
  });

  test.each(["", "0", "000", "zz", "00 11", "0x00"])("the nonce %j is refused", (nonce) => {
    expect(() => commitInput(nonce, "p")).toThrow(
      expect.objectContaining({ code: "input_invalid" }),
    );
  });
});

describe("checkChain", () => {
  test("a chain that was not touched holds, whole or in any two parts", () => {
    fc.assert(
      fc.property(chainAndIndex, ([entries, cut]) => {
        const last = entries.at(-1);
        const head = { seq: last?.seq, hash: last?.hash };
        expect(checkChain(entries)).toEqual({ ok: true, checked: entries.length, head });
        const first = checkChain(entries.slice(0, cut));
        expect(checkChain(entries.slice(cut), first.head)).toMatchObject({ ok: true, head });
      }),
    );
  });

  test("an empty chain holds at the head it is checked from", () => {
    const head = { seq: 7, hash: "ab".repeat(32) };
    expect(checkChain([])).toEqual({ ok: true, checked: 0, head: START });
    expect(checkChain([], head)).toEqual({ ok: true, checked: 0, head });
  });

  test("a changed field is found at the entry it was changed in, and named", () => {
    const change = fc.constantFrom<(entry: ChainedEntry) => [ChainedEntry, string]>(
      (entry) => [{ ...entry, seq: entry.seq + 1 }, "seq_gap"],
      (entry) => [{ ...entry, seq: entry.seq - 0.5 }, "seq_gap"],
      (entry) => [{ ...entry, prevHash: entry.hash }, "prev_hash_mismatch"],
      (entry) => [{ ...entry, hash: entry.prevHash }, "hash_mismatch"],
      (entry) => [{ ...entry, hash: entry.hash.toUpperCase() + "a" }, "hash_mismatch"],
      (entry) => [{ ...entry, body: entry.body.replace('"v":1', '"v":2') }, "hash_mismatch"],
      (entry) => [{ ...entry, body: ` ${entry.body}` }, "hash_mismatch"],
    );
    fc.assert(
      fc.property(chainAndIndex, change, ([entries, index], tamper) => {
        const original = entries[index];
        if (original === undefined) throw new Error("no entry");
        const [changed, problem] = tamper(original);
        const head = entries[index - 1] ?? START;
        expect(checkChain(entries.with(index, changed))).toMatchObject({
          ok: false,
          checked: index,
          head: { seq: head.seq, hash: head.hash },
          broken: { index, seq: changed.seq, problem },
        });
      }),
    );
  });

  test("any single character changed in any body is found there", () => {
    fc.assert(
      fc.property(chainAndIndex, fc.nat(), fc.string(), ([entries, index], place, text) => {
        const entry = entries[index];
        if (entry === undefined) throw new Error("no entry");
        const at = place % entry.body.length;
        fc.pre(entry.body.charAt(at) !== text);
        const body = entry.body.slice(0, at) + text + entry.body.slice(at + 1);
        expect(checkChain(entries.with(index, { ...entry, body }))).toMatchObject({
          ok: false,
          broken: { index },
        });
      }),
    );
  });

  test("a changed entry with its hash made right again is found at the next one", () => {
    fc.assert(
      fc.property(chainAndIndex, ([entries, index]) => {
        const entry = entries[index];
        fc.pre(entry !== undefined && index < entries.length - 1);
        if (entry === undefined) return;
        const forged = chain(['{"v":1}'], { seq: entry.seq - 1, hash: entry.prevHash });
        expect(checkChain(entries.toSpliced(index, 1, ...forged))).toMatchObject({
          ok: false,
          broken: { index: index + 1, problem: "prev_hash_mismatch" },
        });
      }),
    );
  });

  test("a removed entry is found where it is missing", () => {
    fc.assert(
      fc.property(chainAndIndex, ([entries, index]) => {
        fc.pre(index < entries.length - 1);
        expect(checkChain(entries.toSpliced(index, 1))).toMatchObject({
          ok: false,
          broken: { index, problem: "seq_gap" },
        });
      }),
    );
  });

  test("a removed last entry shows in the head", () => {
    const entries = chain(["{}", "{}"]);
    expect(checkChain(entries.slice(0, 1)).head).not.toEqual(checkChain(entries).head);
  });

  test("two swapped entries are found at the earlier place", () => {
    fc.assert(
      fc.property(chainAndIndex, fc.nat(), ([entries, index], other) => {
        const swapped = other % entries.length;
        const [one, two] = [entries[index], entries[swapped]];
        fc.pre(one !== undefined && two !== undefined && index !== swapped);
        if (one === undefined || two === undefined) return;
        expect(checkChain(entries.with(index, two).with(swapped, one))).toMatchObject({
          ok: false,
          broken: { index: Math.min(index, swapped), problem: "seq_gap" },
        });
      }),
    );
  });

  test("an entry put in twice is found at the second", () => {
    const [first, second] = chain(['{"v":1}', '{"v":2}']);
    if (first === undefined || second === undefined) throw new Error("no entries");
    expect(checkChain([first, first, second])).toMatchObject({
      ok: false,
      broken: { index: 1, problem: "seq_gap", message: "Entry #1 stands where #2 belongs." },
    });
  });

  test.each(['{"b":1,"a":2}', '{"a": 1}', "not JSON", '"\ud800"', '{"n":1e999}'])(
    "the well-chained body %j is named as not canonical",
    (body) => {
      expect(checkChain(chain(["{}", body, "{}"]))).toMatchObject({
        ok: false,
        checked: 1,
        broken: { index: 1, seq: 2, problem: "body_not_canonical", found: body },
      });
    },
  );

  test("it stops reading at the first broken entry", () => {
    let read = 0;
    function* broken(): Generator<ChainedEntry> {
      for (const entry of chain(["{}", "{}", "{}"])) {
        read += 1;
        yield { ...entry, prevHash: "" };
      }
    }
    checkChain(broken());
    expect(read).toBe(1);
  });
});
