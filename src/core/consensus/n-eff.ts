import { GuvnorError } from "../errors.ts";

/**
 * How many independent voters `n` correlated ones are worth: n / (1 + (n − 1) ρ), Kish's design
 * effect. Rough values for language models: ρ ≈ 0.6 among agents of one model, 0.3 across models.
 *
 * @param n - Voters, 0 or more.
 * @param rho - Mean correlation of their errors, 0 (independent) to 1 (one voter).
 * @throws {GuvnorError} `input_invalid` outside these ranges.
 */
export function nEff(n: number, rho: number): number {
  if (!(Number.isFinite(n) && n >= 0 && rho >= 0 && rho <= 1)) {
    throw new GuvnorError(
      "input_invalid",
      `There is no effective number of ${n} voters with correlation ${rho}.`,
      "Give a number of voters from 0 and a correlation from 0 to 1.",
    );
  }
  // Fewer than two voters have nobody to be correlated with; the formula would divide by 1 − ρ.
  return n <= 1 ? n : n / (1 + (n - 1) * rho);
}
