import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** One fenced block of a page. */
export interface Block {
  readonly page: string;
  /** From 1. */
  readonly line: number;
  readonly language: string;
  /** What a comment just before it says of it: `<!-- example: NAME -->`. */
  readonly example: string | undefined;
  readonly text: string;
}

/** Every page that people read, by its path in the repository. */
export function listPages(): readonly string[] {
  const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file));
  const own = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
  return [...own, ...docs.toSorted()];
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

export function listBlocks(page: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = readPage(page).split("\n");
  let open: { language: string; line: number; example: string | undefined } | undefined;
  let text: string[] = [];
  for (const [index, line] of lines.entries()) {
    const fence = /^```(\w*)/.exec(line);
    if (fence === null) text.push(line);
    else if (open === undefined) {
      const before = lines.slice(0, index).findLast((each) => each.trim() !== "") ?? "";
      const [, example] = /^<!-- example: (\S+) -->$/.exec(before) ?? [];
      open = { language: fence[1] ?? "", line: index + 1, example };
      text = [];
    } else {
      blocks.push({ page, ...open, text: text.join("\n") });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: the block does not end`);
  return blocks;
}

/** Links to files of the repository that do not lead anywhere; anchors are checked too. */
export function brokenLinks(page: string): readonly string[] {
  const text = readPage(page).replaceAll(/^```.*?^```$/gms, "");
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(page, target));
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : join(page, "..", path);
  if (!existsSync(join(ROOT, file))) return false;
  return anchor === undefined || anchorsOf(readPage(file)).has(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
