import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { createSandbox, type Sandbox, sessionOf } from "./sandbox.ts";

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = createSandbox();
  sandbox.makeKey();
  await sandbox.guvnor("init");
  for (const title of ["A", "B", "C"]) await sandbox.guvnor("tasks", "add", title);
});

afterEach(() => sandbox.remove());

function tamper(statement: string): void {
  const db = new Database(join(sandbox.project, ".git", "guvnor", "guvnor.db"));
  db.exec(statement);
  db.close();
}

interface Verified {
  readonly ok: boolean;
  readonly checked: number;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly broken?: { readonly seq: number; readonly problem: string; readonly line?: number };
}

async function verify(...args: readonly string[]): Promise<Verified & { code: number | null }> {
  const { code, stdout } = await sandbox.guvnor("audit", "verify", ...args, "--json");
  return { code, ...(JSON.parse(stdout) as Verified) };
}

describe("guvnor audit", () => {
  it("exports the ledger, which verifies here and there, and records that it did", async () => {
    const { code, stdout } = await sandbox.guvnor("audit", "export");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object))).toEqual(
      lines.map(() => ["seq", "prev_hash", "hash", "body"]),
    );
    const file = join(sandbox.base, "ledger.jsonl");
    writeFileSync(file, stdout);
    expect(await verify(file)).toMatchObject({ code: 0, ok: true, checked: lines.length });
    const here = await verify();
    expect(here).toMatchObject({ code: 0, ok: true, checked: lines.length + 1 });
    const { entries } = (await sandbox.json("audit", "tail", "--limit", "1")) as {
      entries: { action: string; target: string }[];
    };
    expect(entries).toMatchObject([{ action: "audit_export", target: `#1-#${lines.length}` }]);
    expect(await sandbox.json("audit", "export", "--out", "../other.jsonl")).toMatchObject({
      entries: here.checked,
      head_hash: here.head.hash,
    });
    expect(readFileSync(join(sandbox.base, "other.jsonl"), "utf8").startsWith(stdout)).toBe(true);
  });

  it("names the entry of the ledger that was changed", async () => {
    tamper("update audit_entry set body = replace(body, '\"allow\"', '\"refuse\"') where seq = 3");
    const found = await verify();
    expect(found).toMatchObject({
      code: 1,
      ok: false,
      checked: 2,
      broken: { seq: 3, problem: "hash_mismatch" },
      error: { code: "audit_broken" },
    });
    const text = await sandbox.guvnor("audit", "verify");
    expect(text).toMatchObject({ code: 1 });
    expect(text.stdout).toContain("#3 was changed");
    expect((await sandbox.guvnor("audit", "show", "3")).code).toBe(1);
    expect((await sandbox.guvnor("audit", "show", "2")).code).toBe(0);
  });

  it("finds an entry that was taken out, and entries that were cut off", async () => {
    tamper("delete from audit_entry where seq = 2");
    expect(await verify()).toMatchObject({ code: 1, broken: { problem: "seq_gap" } });
    tamper("delete from audit_entry where seq > 1");
    expect(await verify()).toMatchObject({ code: 1, broken: { seq: 2, problem: "head_mismatch" } });
  });

  it("names the line of an export that does not hold", async () => {
    const { stdout } = await sandbox.guvnor("audit", "export");
    const lines = stdout.trimEnd().split("\n");
    const file = join(sandbox.base, "ledger.jsonl");
    const write = (changed: readonly string[]): void => writeFileSync(file, changed.join("\n"));
    write(lines.with(2, (lines[2] ?? "").replace('\\"allow\\"', '\\"refuse\\"')));
    expect(await verify(file)).toMatchObject({ code: 1, broken: { line: 3, seq: 3 } });
    write(lines.toSpliced(1, 1));
    expect(await verify(file)).toMatchObject({ code: 1, broken: { line: 2, problem: "seq_gap" } });
    write(lines.with(3, "{}"));
    expect(await verify(file)).toMatchObject({
      code: 1,
      checked: 3,
      broken: { line: 4, problem: "no_entry" },
    });
    write([...lines, "", "x"]);
    expect(await verify(file)).toMatchObject({ code: 1, broken: { line: lines.length + 1 } });
  });

  it("shows a payload, checks that it is the one committed to, and records the look", async () => {
    const { entries } = (await sandbox.json("audit", "tail", "--action", "submit_plan")) as {
      entries: { seq: number }[];
    };
    const seq = String(entries[0]?.seq);
    const shown = await sandbox.json("audit", "show", seq, "--payload");
    expect(shown).toMatchObject({
      holds: true,
      payload: { holds: true, payload: { title: "A" } },
    });
    const last = await sandbox.json("audit", "tail", "--limit", "1");
    expect(last["entries"]).toMatchObject([{ action: "audit_payload", target: `#${seq}` }]);
    tamper(`update audit_payload set payload = replace(payload, '"A"', '"Z"') where seq = ${seq}`);
    const changed = await sandbox.guvnor("audit", "show", seq, "--payload");
    expect(changed.code).toBe(1);
    expect(changed.stdout).toContain("NOT what the entry commits to");
    tamper("delete from audit_payload");
    expect(await sandbox.json("audit", "show", seq, "--payload")).toMatchObject({
      holds: true,
      payload: { stored: false },
    });
    expect(await verify()).toMatchObject({ ok: true });
  });

  it("keeps ballots sealed until the vote is over", async () => {
    const { client } = sandbox.serve();
    await client.initialize();
    for (const name of ["ada", "bob"]) await client.call("register_agent", { name });
    const registered = await client.call("register_agent", { name: "eve" });
    const session = sessionOf(registered);
    await client.call("open_topic", {
      title: "Which",
      problem: "Either",
      options: ["One", "Two"],
      electorate: { agents: ["ada", "bob", "eve"] },
      session,
    });
    const vote = { topic_id: "B1", ballot: ["S1"], reason: "secret", session };
    await client.call("vote", vote);
    const { entries } = (await sandbox.json("audit", "tail", "--action", "vote")) as {
      entries: { seq: number }[];
    };
    const seq = String(entries[0]?.seq);
    const sealed = await sandbox.guvnor("audit", "show", seq, "--payload", "--json");
    expect(sealed.code).toBe(1);
    expect(sealed.stdout).not.toContain("secret");
    expect(JSON.parse(sealed.stdout)).toMatchObject({ error: { code: "state_conflict" } });
    await sandbox.guvnor("board", "decide", "B1", "--none", "--reason", "no need");
    expect((await sandbox.guvnor("audit", "show", seq, "--payload")).stdout).toContain("secret");
  });

  it("filters, and follows as entries come", async () => {
    const all = await sandbox.json("audit", "tail", "--action", "submit_plan", "--since", "1h");
    expect(all["entries"]).toHaveLength(3);
    const none = await sandbox.json("audit", "tail", "--decision", "refuse");
    expect(none["entries"]).toEqual([]);
    const one = await sandbox.json("audit", "tail", "--target", "P2");
    expect(one["entries"]).toHaveLength(1);

    const seen: string[] = [];
    const following = sandbox.follow(
      ["audit", "tail", "--follow", "--json", "--limit", "1"],
      (line) => seen.push((JSON.parse(line) as { target: string }).target),
    );
    await following.until(() => seen.length === 1);
    await sandbox.guvnor("tasks", "add", "D");
    await following.until(() => seen.includes("P4"));
    following.child.kill("SIGINT");
    expect(await following.exited).toMatchObject({ code: 0, stderr: "" });
  });
});
