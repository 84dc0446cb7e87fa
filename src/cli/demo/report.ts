import type { ServerCommand } from "../init/claude-config.ts";
import type { View } from "../view.ts";
import type { Performance } from "./perform.ts";
import { drawTimeline } from "./timeline.ts";

/** The end of a demo that came to its end: the timeline, what was proved, and what to do now. */
export function reportSuccess(
  view: View,
  result: Performance,
  { kept, server }: { kept: string | undefined; server: ServerCommand },
): string[] {
  const config = { mcpServers: { guvnor: { command: server.command, args: server.args } } };
  const guvnor = [server.command, ...server.args.slice(0, -1)].map(quoted).join(" ");
  return [
    ...provenLines(view, result),
    "",
    ...view
      .sentence(`All of it happened, in ${result.seconds} s.`)
      .map((line) => view.paint("good", line)),
    ...keptLines(view, kept),
    "",
    ...view.title("Your own agents on your own repository"),
    ...view.paragraph(
      '1. There, make guvnor.yaml (what "done" is measured with) and your key:',
      "  ",
    ),
    `     ${guvnor} init`,
    ...view.paragraph(
      "2. Claude Code reads the .mcp.json it makes; other clients want the same:",
      "  ",
    ),
    `     ${JSON.stringify(config)}`,
    ...view.paragraph("3. Give work, in the shape of the demo's plan.yaml.", "  "),
    `     ${guvnor} plan submit plan.yaml`,
    ...view.paragraph("4. Start each agent's client in a worktree of its own, and tell it:", "  "),
    "     Work for guvnor until its plan is finished.",
  ];
}

export function reportFailure(view: View, result: Performance, kept: string | undefined): string[] {
  const failed = result.checks.filter(({ ok }) => !ok);
  const why = result.problem ?? `Not shown: ${failed.map(({ name }) => name).join(", ")}.`;
  const [first = "", ...more] = view.paragraph(why).filter((line) => line !== "");
  return [
    ...(result.proof === undefined ? [] : provenLines(view, result)),
    "",
    view.paint("bad", `The demo failed after ${result.seconds} s.`),
    first,
    ...more,
    ...keptLines(view, kept),
  ];
}

function provenLines(view: View, { proof, checks }: Performance): string[] {
  if (proof === undefined) return [];
  return [
    "",
    ...view.title("What happened, drawn from `guvnor audit export` alone"),
    ...drawTimeline(view, proof.story),
    "",
    ...view.title("What the ledger and git prove"),
    ...checks.flatMap(({ name, ok, evidence }) => {
      const mark = ok ? "yes" : "NO ";
      const label = `  ${mark} ${name.padEnd(19)}`;
      const [first = "", ...more] = view.paragraph(evidence, " ".repeat(label.length));
      const painted = view.paint(ok ? "good" : "bad", label);
      return [painted + first.slice(label.length), ...more];
    }),
    "",
    `${proof.branch} is the tree ${proof.tree.slice(0, 12)}, the same on every run.`,
  ];
}

function keptLines(view: View, kept: string | undefined): string[] {
  if (kept === undefined) return [];
  return view.hint(
    `Everything is in ${kept}: repository (with the ledger in it), agents, logs, result.`,
  );
}

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_./@:+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
