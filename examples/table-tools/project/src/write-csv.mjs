/** Writes rows as CSV text, one line each. */
export function writeCsv(rows, { separator = "," } = {}) {
  return rows.map((row) => `${writeRow(row, separator)}\n`).join("");
}

function writeRow(row, separator) {
  return row.map((field) => writeField(field, separator)).join(separator);
}

function writeField(value, separator) {
  const text = value === null || value === undefined ? "" : String(value);
  return text.includes(separator) ? `"${text}"` : text;
}
