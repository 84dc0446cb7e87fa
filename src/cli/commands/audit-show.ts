import type { Project } from "../../app.ts";
import { checkChain, GENESIS_HASH } from "../../core/audit-chain.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { JsonObject } from "../../engine/call.ts";
import type { AuditRow } from "../../store/store.ts";
import { put, withProject } from "../ask-project.ts";
import { type Cli, jsonText, type Report } from "../cli.ts";
import { EXIT_ERROR } from "../explain-error.ts";
import { requirePerson } from "../operator.ts";
import type { View } from "../view.ts";

export async function showEntry(cli: Cli, seq: number, withPayload: boolean): Promise<Report> {
  return await withProject(cli, async (project) => {
    const { entry, problem } = await readEntry(project, seq);
    // A payload may hold what is not for everybody's eyes, so it takes a person to open it.
    const payload = withPayload
      ? await put(project, await requirePerson(cli, project), {
          operation: "audit_payload",
          args: { seq },
        })
      : undefined;
    return reportEntry(entry, problem, payload);
  });
}

async function readEntry(
  { deps }: Project,
  seq: number,
): Promise<{ entry: AuditRow; problem: string | undefined }> {
  const { entry, before } = await deps.store.read(deps.scope, async (tx) => ({
    entry: await tx.audit.get(seq),
    before: await tx.audit.get(seq - 1),
  }));
  if (entry === undefined) {
    const fix = "See the last ones with: guvnor audit tail";
    throw new GuvnorError("input_invalid", `The ledger has no entry #${seq}.`, fix);
  }
  const head = { seq: seq - 1, hash: seq === 1 ? GENESIS_HASH : (before?.hash ?? "") };
  const check = checkChain([entry], head);
  return { entry, problem: check.ok ? undefined : check.broken.message };
}

function reportEntry(
  entry: AuditRow,
  problem: string | undefined,
  payload: JsonObject | undefined,
): Report {
  const { seq, prevHash, hash } = entry;
  const body = parseBody(entry.body);
  const commitmentFails = payload?.["holds"] === false;
  const holds = problem === undefined;
  return {
    exitCode: holds && !commitmentFails ? 0 : EXIT_ERROR,
    json: {
      seq,
      prev_hash: prevHash,
      hash,
      holds,
      ...(problem === undefined ? {} : { problem }),
      body,
      ...(payload === undefined ? {} : { payload: readablePayload(payload) }),
    },
    text: (view) => [
      ...view.fields([
        ["entry", `#${seq}`],
        ["hash", hash],
        ["follows", prevHash],
        ["check", problem ?? "the entry follows the one before and was not changed"],
      ]),
      "",
      ...prettyLines(view, body),
      ...(payload === undefined
        ? view.hint(`See what came in: guvnor audit show ${seq} --payload`)
        : payloadLines(view, payload)),
    ],
  };
}

/** A body that somebody destroyed is shown as the text that it is. */
function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function readablePayload(payload: JsonObject): JsonObject {
  const { payload: text } = payload;
  return typeof text === "string" ? { ...payload, payload: parseBody(text) } : payload;
}

function prettyLines(view: View, value: unknown): string[] {
  return view.paragraph(jsonText(value).trimEnd());
}

function payloadLines(view: View, payload: JsonObject): string[] {
  if (payload["stored"] !== true) {
    const why =
      payload["commitment"] === undefined
        ? "Nothing came in: guvnor did this by itself."
        : "What came in is not kept any more; its commitment stays in the entry.";
    return ["", ...view.sentence(why)];
  }
  const check =
    payload["holds"] === true
      ? "This is what the entry commits to."
      : "This is NOT what the entry commits to: it was changed.";
  return [
    "",
    "What came in:",
    ...prettyLines(view, readablePayload(payload)["payload"]),
    ...view.sentence(check),
  ];
}
