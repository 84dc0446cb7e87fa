import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { chainHash, commitInput } from "../../src/core/audit-chain.ts";
import type { AuditRow } from "../../src/store/store.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { createFleet } from "../support/engine-harness.ts";

const SCRIPT = join(import.meta.dirname, "../../docs/verify-ledger.sh");
/** Everything that JSON escapes, in and out of the body. */
const AWKWARD =
  'quotes " \\" back\\slash \\n, tab\t, line\nfeed, \u0001, é, 漢, 🦉, %s %d, $HOME `ls` \'';

let directory: string;
let rows: readonly AuditRow[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "guvnor-verify-"));
  const fleet = await createFleet({ operations: TOOLS });
  await fleet.ok("ada", "register_agent", { name: "ada", capabilities: [AWKWARD.slice(0, 60)] });
  await fleet.ok("ada", "submit_plan", {
    title: AWKWARD,
    tasks: [{ key: "a", title: AWKWARD, body: AWKWARD.repeat(200) }],
  });
  await fleet.ok("ada", "request_task", {});
  await fleet.refusal("ada", "get_status", { scope: "task", id: "T99" });
  await fleet.ok("ada", "open_topic", { title: AWKWARD, problem: AWKWARD, options: ["a", "b"] });
  rows = await fleet.read(async (tx) => await tx.audit.list(1, 1000));
  await fleet.close();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** As `guvnor audit export` writes them. */
function exported(entries: readonly AuditRow[]): string {
  return entries
    .map(
      ({ seq, prevHash, hash, body }) =>
        `${JSON.stringify({ seq, prev_hash: prevHash, hash, body })}\n`,
    )
    .join("");
}

function verify(text: string, ...args: readonly string[]): { code: number | null; said: string } {
  const file = join(directory, "ledger.jsonl");
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync("sh", [SCRIPT, file, ...args], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return { code: status, said: `${stdout}${stderr}`.trim() };
}

/** The same chain with something done to one entry. */
function tampered(seq: number, change: (row: AuditRow) => AuditRow): readonly AuditRow[] {
  return rows.map((row) => (row.seq === seq ? change(row) : row));
}

describe("docs/verify-ledger.sh", () => {
  it("holds a real ledger with everything in it that JSON escapes", () => {
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.some(({ body }) => body.includes(String.raw`\"`) && body.includes("🦉"))).toBe(
      true,
    );
    const head = rows.at(-1)?.hash ?? "";
    const said = `${rows.length} entries hold; the last hash is ${head}`;
    expect(verify(exported(rows))).toEqual({ code: 0, said });
    expect(verify(exported(rows), head)).toEqual({ code: 0, said });
  });

  it("reads an export whose strings were escaped by somebody else", () => {
    const ascii = exported(rows).replaceAll(
      /[\u0080-\uFFFF]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    expect(ascii).toContain(String.raw`\ud83e\udd89`);
    expect(verify(ascii).code).toBe(0);
  });

  it("names an entry whose body was changed", () => {
    const changed = tampered(4, (row) => ({ ...row, body: row.body.replace('"v":1', '"v":2') }));
    expect(verify(exported(changed))).toEqual({
      code: 1,
      said: "#4 was changed: its hash is not that of its body",
    });
  });

  it("names the entry after one that was changed with its hash", () => {
    const changed = tampered(4, (row) => {
      const body = row.body.replace('"v":1', '"v":2');
      return { ...row, body, hash: chainHash(row.prevHash, row.seq, body) };
    });
    expect(verify(exported(changed))).toEqual({ code: 1, said: "#5 does not follow #4" });
  });

  it("names what was taken out, put in twice or swapped", () => {
    expect(verify(exported(rows.filter(({ seq }) => seq !== 3))).said).toBe(
      "#4 stands where #3 belongs",
    );
    expect(verify(exported([...rows.slice(0, 2), ...rows.slice(1)])).said).toBe(
      "#2 stands where #3 belongs",
    );
    const [first, second, ...rest] = rows;
    if (first === undefined || second === undefined) throw new Error("too few entries");
    expect(verify(exported([second, first, ...rest])).said).toBe("#2 stands where #1 belongs");
  });

  it("finds what was cut off at the end only by a head known from elsewhere", () => {
    const cut = exported(rows.slice(0, -1));
    expect(verify(cut).code).toBe(0);
    const head = rows.at(-1)?.hash ?? "";
    const said = `the ledger ends with #${rows.length - 1}, whose hash is not ${head}`;
    expect(verify(cut, head)).toEqual({ code: 1, said });
  });

  it("names the line that is no entry", () => {
    const lines = exported(rows).split("\n");
    lines.splice(2, 1, "{}");
    expect(verify(lines.join("\n"))).toEqual({ code: 1, said: "line 3 is no entry" });
    lines.splice(2, 1, `${(exported(rows).split("\n")[2] ?? "").slice(0, -2)}","x":"y"}`);
    expect(verify(lines.join("\n")).said).toBe("line 3 is no entry: its body is no JSON string");
    // An escaped NUL would end the text for whoever hashes it.
    const withNul = exported(rows).replace(String.raw`{\"action`, String.raw`{\u0000\"action`);
    expect(verify(withNul).said).toBe("line 1 is no entry: its body is no JSON string");
  });

  it("says how it is called, and that nothing is a ledger too", () => {
    expect(spawnSync("sh", [SCRIPT], { encoding: "utf8" })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("usage: "),
    });
    expect(verify("").said).toBe(`0 entries hold; the last hash is ${"0".repeat(64)}`);
  });
});

describe("docs/audit-format.md", () => {
  it("tells how a payload's commitment is computed", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/audit-format.md"), "utf8");
    const [, example = ""] = /```bash\n(nonce=.*?)```/s.exec(page) ?? [];
    const said = execFileSync("bash", ["-c", example], { encoding: "utf8", timeout: 10_000 });
    expect(said.slice(0, 64)).toBe(
      commitInput("000102030405060708090a0b0c0d0e0f", '{"scope":"me"}'),
    );
  });
});
