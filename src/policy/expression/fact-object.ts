/* oxlint-disable max-classes-per-file -- the same class, once more for each type of record */

/**
 * A record of facts as conditions see it: every field that its type declares, absent ones as their
 * default, and nothing else: no field of JavaScript's own objects. A field is converted when it is
 * first read, so that what no rule names costs nothing.
 */
export class FactObject {
  readonly #raw: Readonly<Record<string, unknown>>;
  readonly #read = new Map<string, unknown>();

  constructor(raw: unknown) {
    this.#raw = isRecord(raw) ? raw : {};
  }

  /** Whether the fact is there: `has()`. */
  static isGiven(object: unknown, name: string): boolean {
    if (!(object instanceof FactObject)) return false;
    const value = Object.hasOwn(object.#raw, name) ? object.#raw[name] : undefined;
    return value !== undefined && value !== null;
  }

  protected static field(object: FactObject, name: string, convert: Convert): unknown {
    const known = object.#read.get(name);
    if (known !== undefined) return known;
    const value = convert(Object.hasOwn(object.#raw, name) ? object.#raw[name] : undefined);
    object.#read.set(name, value);
    return value;
  }

  /** A class for one record type, whose getters are the declared fields. */
  static define(converts: Readonly<Record<string, Convert>>): FactClass {
    const Defined = class extends FactObject {};
    for (const [name, convert] of Object.entries(converts)) {
      Object.defineProperty(Defined.prototype, name, {
        get(this: FactObject) {
          return FactObject.field(this, name, convert);
        },
      });
    }
    return Defined;
  }
}

export type FactClass = new (raw: unknown) => FactObject;

type Convert = (raw: unknown) => unknown;

/** Whole numbers are BigInt in the library, so that none loses a digit. */
export function convertScalar(kind: "string" | "int" | "double" | "bool" | "timestamp"): Convert {
  switch (kind) {
    case "string":
      return (raw) => expectType(raw ?? "", "string", kind);
    case "int":
      return (raw) => (typeof raw === "bigint" ? raw : toInteger(raw ?? 0));
    case "double":
      return (raw) => expectType(raw ?? 0, "number", kind);
    case "bool":
      return (raw) => expectType(raw ?? false, "boolean", kind);
    case "timestamp":
      break;
  }
  // oxlint-disable-next-line no-restricted-globals -- converts the time it is given
  return (raw) => new Date(Number(toInteger(raw ?? 0)));
}

function toInteger(raw: unknown): bigint {
  if (typeof raw === "number" && Number.isInteger(raw)) return BigInt(raw);
  throw new TypeError(`a fact is no whole number: ${typeof raw}`);
}

function expectType(raw: unknown, type: string, kind: string): unknown {
  if (typeof raw === type) return raw;
  throw new TypeError(`a fact is ${typeof raw} and not ${kind}`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
