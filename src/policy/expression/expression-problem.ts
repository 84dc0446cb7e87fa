/** What is wrong with a condition, and where in its text. */
export class ExpressionProblem extends Error {
  /** Of the first character that it is about, in UTF-16 units. */
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = "ExpressionProblem";
    this.offset = offset;
  }
}
