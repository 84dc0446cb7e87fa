import { resolve } from "node:path";

import { withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { EXIT_ERROR } from "../explain-error.ts";
import { type LedgerCheck, type OnProgress, verifyExport, verifyStore } from "../verify-ledger.ts";

/** Shorter ledgers are done before anybody could read how far it is. */
const SHOWN_FROM = 100_000;

export async function verifyLedger(cli: Cli, file: string | undefined): Promise<Report> {
  const progress = showProgress(cli);
  try {
    if (file === undefined) {
      return await withProject(cli, async ({ deps }) =>
        reportCheck(await verifyStore(deps, progress.show), "guvnor audit show"),
      );
    }
    return reportCheck(await verifyExport(resolve(cli.directory, file), progress.show));
  } finally {
    progress.clear();
  }
}

/** One line on a terminal that is written over; nothing where stderr is a file or a pipe. */
function showProgress({ stderr }: Cli): { show: OnProgress; clear: () => void } {
  let shown = false;
  return {
    show: (checked, total) => {
      if (stderr.isTTY !== true || checked < SHOWN_FROM || checked % 50_000 >= 2000) return;
      shown = true;
      const of = total === undefined ? "" : ` of ${total}`;
      stderr.write(`\r${checked}${of} entries hold`);
    },
    clear: () => {
      if (shown) stderr.write("\r\u001B[K");
    },
  };
}

function reportCheck(check: LedgerCheck, show?: string): Report {
  const { checked, head, broken } = check;
  const found = { ok: broken === undefined, checked, head };
  if (broken === undefined) {
    return {
      json: found,
      text: (view) => [
        ...view.sentence(
          checked === 0
            ? "The ledger is empty."
            : `All ${checked} entries hold, up to #${head.seq}.`,
        ),
        ...view.fields([["head", head.hash]]),
        ...view.hint("Keep the head elsewhere: it proves later that nothing was rewritten."),
      ],
    };
  }
  const { seq, message, line, expected, found: was } = broken;
  const fix =
    "Somebody changed what was recorded, or the disk did: compare it with a backup or an export.";
  return {
    exitCode: EXIT_ERROR,
    json: { ...found, broken, error: { code: "audit_broken", message, fix } },
    text: (view) => [
      ...view.sentence(message).map((text) => view.paint("bad", text)),
      ...view.fields([
        ["line", line],
        ["expected", expected],
        ["found", was],
        ["held before", `${checked} entries, up to #${head.seq}`],
      ]),
      ...view.hint(seq === undefined || show === undefined ? fix : `${fix} Look: ${show} ${seq}`),
    ],
  };
}
