/** Said at the top of every page that the script writes. */
const GENERATED = "<!-- Written by `npm run docs`; a test compares it. Do not edit. -->";

export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [titles, titles.map(() => "---"), ...rows.map((row) => row.map(cell))];
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

/** A pipe or a line break would end the cell. */
function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`).replaceAll("\n", " ");
}

export function code(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

export function page(...parts: readonly string[]): string {
  return `${[GENERATED, ...parts].join("\n\n")}\n`;
}
