/**
 * A value that is made when it is first asked for. The schemas of settings take 15 ms to build, which
 * the first call of every process would pay; only one that reads a file of settings needs them.
 */
export function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
