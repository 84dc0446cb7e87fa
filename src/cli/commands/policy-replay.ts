import type { JsonObject } from "../../engine/call.ts";
import { rowsOf, wordOf } from "../answer.ts";
import { put, withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { readingPerson } from "../operator.ts";
import { readPolicyText } from "../policy-file.ts";
import type { View } from "../view.ts";

/** What the newest recorded calls of agents would have got under another file. */
export async function replayPolicy(
  cli: Cli,
  { candidate, limit }: { candidate: string; limit: number },
): Promise<Report> {
  return await withProject(cli, async (project) => {
    const { shown, source } = await readPolicyText(cli, candidate);
    const person = await readingPerson(cli, project);
    const args = { source, file: shown, limit };
    const answer = await put(project, person, { operation: "policy_replay", args });
    return { json: { ...answer, file: shown }, text: (view) => replayLines(view, answer) };
  });
}

/** The calls that would have been answered otherwise, the newest first. */
export function replayLines(view: View, replay: JsonObject): string[] {
  if (replay["replayed"] === undefined) return [];
  const calls = rowsOf(replay, "calls");
  const changed = wordOf(replay, "changed");
  const said = `Of the last ${wordOf(replay, "replayed")} recorded calls it would have answered ${changed} otherwise.`;
  if (calls.length === 0) return view.sentence(said);
  const rows = calls.map((call) => [
    `#${wordOf(call, "seq")}`,
    call["agent"],
    call["tool"],
    call["was"],
    call["would_be"],
    call["rule"],
  ]);
  return [
    ...view.sentence(said),
    ...view.table(
      [
        { title: "ENTRY" },
        { title: "AGENT" },
        { title: "TOOL" },
        { title: "WAS" },
        { title: "WOULD BE" },
        { title: "RULE", stretch: true },
      ],
      rows,
    ),
  ];
}
