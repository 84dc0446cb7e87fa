/** How much what two voters say hangs together: agents of one model err alike. */
const RHO_SAME_MODEL = 0.6;
const RHO_ACROSS_MODELS = 0.3;

/**
 * How many independent voters say as much as these: n / (1 + (n − 1) ρ), with ρ the mean over all pairs
 * of voters (0.6 of one model, 0.3 of two). It is the design effect of L. Kish, "Survey Sampling"
 * (1965), §5.4, with ρ as the correlation within a cluster. Rounded to hundredths.
 *
 * @param models - By voter. Those whose model is unknown count as of one and the same.
 */
export function effectiveVoters(
  voters: readonly string[],
  models: Readonly<Record<string, string>>,
): number {
  const n = voters.length;
  if (n < 2) return n;
  const sizes = new Map<string | undefined, number>();
  for (const voter of voters) {
    const model = Object.hasOwn(models, voter) ? models[voter] : undefined;
    sizes.set(model, (sizes.get(model) ?? 0) + 1);
  }
  const same = [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  const pairs = (n * (n - 1)) / 2;
  const rho = (RHO_SAME_MODEL * same + RHO_ACROSS_MODELS * (pairs - same)) / pairs;
  return Math.round((n / (1 + (n - 1) * rho)) * 100) / 100;
}
