/** Rows as a text table with columns that stand below each other. */
export function formatTable(rows) {
  const widths = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
    }
  }
  return rows.map((row) => `${formatRow(row, widths)}\n`).join("");
}

function formatRow(row, widths) {
  const cells = row.map((cell, column) => String(cell).padEnd(widths[column]));
  return cells.join("  ").trimEnd();
}
