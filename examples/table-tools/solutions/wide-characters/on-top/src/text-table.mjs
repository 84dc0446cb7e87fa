const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/u;

/** Rows as a text table with columns that stand below each other. */
export function formatTable(rows) {
  const widths = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, displayWidth(String(cell)));
    }
  }
  return rows.map((row) => `${formatRow(row, widths)}\n`).join("");
}

function formatRow(row, widths) {
  const cells = row.map((cell, column) => pad(cell, widths[column]));
  return cells.join("  ").trimEnd();
}

/** Numbers stand on the right, all else on the left. */
function pad(cell, width) {
  const text = String(cell);
  const space = " ".repeat(width - displayWidth(text));
  return typeof cell === "number" ? space + text : text + space;
}

/** Columns that a terminal needs for a text: two for East Asian characters and emoji. */
function displayWidth(text) {
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}
