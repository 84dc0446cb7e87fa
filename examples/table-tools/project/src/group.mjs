/** Records by the value of one field, in the order in which the values first appear. */
export function groupBy(records, name) {
  const groups = new Map();
  for (const record of records) {
    const group = groups.get(record[name]);
    if (group === undefined) groups.set(record[name], [record]);
    else group.push(record);
  }
  return groups;
}

/** How many records there are of each value of one field. */
export function countBy(records, name) {
  const groups = groupBy(records, name);
  return new Map([...groups].map(([value, group]) => [value, group.length]));
}
