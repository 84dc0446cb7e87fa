/** Compares texts as people do: file2 before file10. For sort(). */
export function compareNatural(left, right) {
  const a = parts(left);
  const b = parts(right);
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = comparePart(a[at], b[at]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Digits and what is between them, in turns. */
function parts(text) {
  return text.match(/\d+|\D+/g) ?? [];
}

function comparePart(a, b) {
  const both = /^\d/.test(a) && /^\d/.test(b);
  if (both && Number(a) !== Number(b)) return Number(a) - Number(b);
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
