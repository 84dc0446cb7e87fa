import type { Environment } from "@marcbachmann/cel-js";

import type { FieldType } from "../field-types.ts";
import { convertScalar, FactObject, isRecord } from "./fact-object.ts";

/** A type as the library knows it, and how a fact becomes a value of it. */
export interface Declared {
  readonly cel: string;
  /** @throws {TypeError} where the fact is of another type. */
  readonly convert: (raw: unknown) => unknown;
}

interface Naming {
  /** Of the records within; any text that is unique in the environment. */
  readonly name: string;
  /** Types of maps that `map_value` is registered for already; added to. */
  readonly mapTypes: Set<string>;
}

/** Makes a type, and the records within it, known to the environment. */
export function declareType(environment: Environment, type: FieldType, naming: Naming): Declared {
  const { name } = naming;
  switch (type.kind) {
    case "list": {
      const of = declareType(environment, type.of, { ...naming, name: `${name}[]` });
      return { cel: `list<${of.cel}>`, convert: (raw) => toList(raw).map(of.convert) };
    }
    case "map": {
      const of = declareType(environment, type.of, { ...naming, name: `${name}.*` });
      return declareMap(environment, of, naming);
    }
    case "object":
      return declareRecord(environment, type.fields, naming);
    case "timestamp":
      return { cel: "google.protobuf.Timestamp", convert: convertScalar(type.kind) };
    case "duration":
      return { cel: "google.protobuf.Duration", convert: refuseDuration };
    case "json":
      return { cel: "dyn", convert: (raw) => raw ?? null };
    case "string":
    case "int":
    case "double":
    case "bool":
      break;
  }
  return { cel: type.kind, convert: convertScalar(type.kind) };
}

function declareMap(environment: Environment, of: Declared, { mapTypes }: Naming): Declared {
  const cel = `map<string, ${of.cel}>`;
  if (!mapTypes.has(cel)) {
    mapTypes.add(cel);
    environment.registerFunction(
      `map_value(${cel}, string): ${of.cel}`,
      (map: ReadonlyMap<string, unknown>, key: string) => map.get(key) ?? of.convert(undefined),
      { async: false },
    );
  }
  return { cel, convert: (raw) => toMap(raw, of.convert) };
}

function declareRecord(
  environment: Environment,
  fields: Readonly<Record<string, FieldType>>,
  naming: Naming,
): Declared {
  const declared = Object.entries(fields).map(([field, type]) => {
    const name = `${naming.name}.${field}`;
    return [field, declareType(environment, type, { ...naming, name })] as const;
  });
  const converts = declared.map(([field, { convert }]) => [field, convert] as const);
  const Fact = FactObject.define(Object.fromEntries(converts));
  environment.registerType(naming.name, {
    ctor: Fact,
    fields: Object.fromEntries(declared.map(([field, { cel }]) => [field, cel])),
  });
  return { cel: naming.name, convert: (raw) => new Fact(raw) };
}

function toList(raw: unknown): readonly unknown[] {
  if (raw === undefined || raw === null) return [];
  if (Array.isArray(raw)) return raw;
  throw new TypeError(`a fact is ${typeof raw} and not a list`);
}

/** A Map has no keys of its own but these: not even `constructor`. */
function toMap(raw: unknown, convert: Declared["convert"]): ReadonlyMap<string, unknown> {
  if (raw === undefined || raw === null) return new Map();
  if (!isRecord(raw)) throw new TypeError(`a fact is ${typeof raw} and not a map`);
  return new Map(Object.entries(raw).map(([key, value]) => [key, convert(value)]));
}

function refuseDuration(): never {
  throw new TypeError("no fact is a duration");
}
