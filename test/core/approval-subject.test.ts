import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { subjectHash, subjectOf, type Fields } from "../../src/core/approval-subject.ts";
import { canonicalJson, type Json } from "../../src/core/canonical-json.ts";

const json = fc
  .jsonValue({ stringUnit: "grapheme", maxDepth: 3 })
  // -0 is written as 0.
  .map((value) => JSON.parse(JSON.stringify(value)) as Json);
const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const artifact = fc.record(
  { name: fc.string({ minLength: 1 }), path: fc.string({ minLength: 1 }), sha256: digest },
  { requiredKeys: ["name", "path"], noNullPrototype: true },
);

const COUNTING = ["task_id", "status", "commit", "artifacts"] as const;
const OTHER = ["note", "fence", "percent", "request_id", "session", "wait_seconds", "outputs"];

const report: fc.Arbitrary<Record<string, Json>> = fc.record(
  {
    task_id: fc.nat().map((number) => `T${number}`),
    status: fc.constantFrom("working", "blocked", "done", "failed", "released"),
    commit: fc.stringMatching(/^[0-9a-f]{40}$/),
    artifacts: fc.array(artifact, { maxLength: 4, size: "max" }),
    note: fc.string(),
    fence: fc.nat(),
    percent: fc.nat(100),
    request_id: fc.string(),
  },
  { requiredKeys: ["task_id", "status"], noNullPrototype: true },
);

function text(tool: string, input: Fields, facts: Fields = {}): string {
  return canonicalJson(subjectOf(tool, input, facts));
}

function multiset(value: Json | undefined): string {
  const items = Array.isArray(value) ? (value as readonly Json[]) : [];
  return canonicalJson(items.map((item) => canonicalJson(item)).toSorted());
}

describe("the subject of report_progress", () => {
  test("changes with each field that counts", () => {
    fc.assert(
      fc.property(report, report, fc.constantFrom(...COUNTING), (before, other, name) => {
        const after = { ...before, [name]: other[name] };
        const isSame =
          name === "artifacts"
            ? multiset(before[name]) === multiset(other[name]) &&
              (before[name] === undefined) === (other[name] === undefined)
            : before[name] === other[name];
        expect(text("report_progress", before) === text("report_progress", after)).toBe(isSame);
      }),
    );
  });

  test("does not change with any field that does not", () => {
    fc.assert(
      fc.property(report, fc.constantFrom(...OTHER), json, (before, name, value) => {
        const after = { ...before, [name]: value };
        expect(text("report_progress", after)).toBe(text("report_progress", before));
      }),
    );
  });

  test("changes with each digest, and not with the order of artifacts", () => {
    fc.assert(
      fc.property(
        fc.array(artifact, { minLength: 1, maxLength: 5, size: "max" }),
        digest,
        (all, sha256) => {
          const base = text("report_progress", { artifacts: all });
          expect(text("report_progress", { artifacts: all.toReversed() })).toBe(base);
          const [first, ...rest] = all;
          fc.pre(first !== undefined && first.sha256 !== sha256);
          const changed = [{ ...first, sha256 }, ...rest];
          expect(text("report_progress", { artifacts: changed })).not.toBe(base);
        },
      ),
    );
  });

  test("holds the commit that was resolved, not what it was called", () => {
    const facts = { commit: "c".repeat(40), branch: "main" };
    const named = text("report_progress", { task_id: "T1", status: "done", commit: "HEAD" }, facts);
    expect(text("report_progress", { task_id: "T1", status: "done" }, facts)).toBe(named);
    expect(JSON.parse(named)).toEqual({
      tool: "report_progress",
      fields: { task_id: "T1", status: "done", commit: facts.commit },
    });
    const moved = { ...facts, commit: "d".repeat(40) };
    expect(text("report_progress", { task_id: "T1", status: "done" }, moved)).not.toBe(named);
    const unknown = { commit: undefined };
    expect(text("report_progress", { task_id: "T1", commit: "c" }, unknown)).toContain('"c"');
  });

  test("holds what is no list of objects as it is, for the schema refuses it anyway", () => {
    expect(text("report_progress", { artifacts: "x" })).toContain('"artifacts":"x"');
    expect(text("report_progress", { artifacts: [1, null] })).toContain('"artifacts":[1,null]');
  });
});

describe("the subject of any other tool", () => {
  const name = fc.string({ minLength: 1, unit: "grapheme" });
  const input = fc
    .dictionary(name, json, { noNullPrototype: true, maxKeys: 6 })
    .filter((fields) => !Object.hasOwn(fields, "__proto__"));
  const ignored = ["request_id", "wait_seconds", "session", "approval_id"];

  test("changes with every field and fact but four", () => {
    fc.assert(
      fc.property(input, name, json, fc.boolean(), (fields, changed, value, isFact) => {
        fc.pre(changed !== "__proto__");
        const before = text("submit_plan", fields);
        const added = { [changed]: value };
        const after = isFact
          ? text("submit_plan", fields, added)
          : text("submit_plan", { ...fields, ...added });
        const old = Object.hasOwn(fields, changed) ? fields[changed] : undefined;
        const isSame = old !== undefined && canonicalJson(old) === canonicalJson(value);
        expect(after === before).toBe(isSame || ignored.includes(changed));
      }),
    );
  });

  test.each(ignored)("does not change with %s", (field) => {
    fc.assert(
      fc.property(input, json, (fields, value) => {
        const plain = text("vote", { ...fields, [field]: undefined });
        expect(text("vote", { ...fields, [field]: value })).toBe(plain);
      }),
    );
  });

  test("is never that of another tool", () => {
    fc.assert(
      fc.property(input, (fields) => {
        expect(text("vote", fields)).not.toBe(text("submit_plan", fields));
      }),
    );
  });
});

test("the hash is that of the canonical text, as a shell would take it", () => {
  const subject = subjectOf("open_topic", { title: "Which?", options: ["x"] }, {});
  expect(canonicalJson(subject)).toBe(
    '{"fields":{"options":["x"],"title":"Which?"},"tool":"open_topic"}',
  );
  // printf '%s' '…' | sha256sum
  expect(subjectHash(subject)).toBe(
    "3e077e87bb2e24cf6323c326339b932c577ab831e6a88263b3ebf01b8c80796e",
  );
});

test("of a ballot only the topic counts: what is on it cannot be guessed from the digest", () => {
  const cast = { topic_id: "B1", ballot: ["S1"], veto: ["S2"], reason: "r" };
  const other = { topic_id: "B1", abstain: true, reason: "none" };
  expect(subjectHash(subjectOf("vote", cast, {}))).toBe(subjectHash(subjectOf("vote", other, {})));
  expect(subjectOf("vote", cast, {})).toEqual({ tool: "vote", fields: { topic_id: "B1" } });
});
