/** Rows with a header in front, as objects by the header's names. Missing fields are "". */
export function toRecords([header = [], ...rows]) {
  return rows.map((row) =>
    Object.fromEntries(header.map((name, column) => [name, row[column] ?? ""])),
  );
}

/** Objects as rows, with a header of all names in the order in which they first appear. */
export function fromRecords(records) {
  const header = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return [header, ...records.map((record) => header.map((name) => record[name] ?? ""))];
}
