/** Reads CSV text into rows of strings. Empty lines are left out. */
export function parseCsv(text, { separator = "," } = {}) {
  const rows = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === "") continue;
    rows.push(parseLine(line, separator));
  }
  return rows;
}

function parseLine(line, separator) {
  const fields = [];
  let field = "";
  let quoted = false;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at];
    if (quoted) {
      if (character !== '"') field += character;
      else if (line[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === separator) {
      fields.push(field);
      field = "";
    } else field += character;
  }
  fields.push(field);
  return fields;
}
