import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { objectOf, parseObject } from "../answer.ts";

/** A command that probably tests this project. */
interface GuessedGate {
  readonly name: string;
  readonly run: readonly string[];
  /** Files that say what the command does. */
  readonly protected: readonly string[];
}

interface GuessedPrepare {
  readonly run: readonly string[];
  readonly key: readonly string[];
}

export interface Guess {
  readonly gates: readonly GuessedGate[];
  readonly prepare: GuessedPrepare | undefined;
}

const NO_GUESS: Guess = { gates: [], prepare: undefined };

/** Looks at what lies at the root of a project; runs nothing. The first kind that fits is taken. */
export function guessGates(root: string): Guess {
  for (const guess of [guessNode, guessPython, guessGo, guessRust, guessMake]) {
    const found = guess(root);
    if (found !== undefined) return found;
  }
  return NO_GUESS;
}

/** npm's own placeholder, which always fails. */
const PLACEHOLDER = /no test specified/;

const PACKAGE_MANAGERS = [
  { lock: "pnpm-lock.yaml", name: "pnpm", install: ["pnpm", "install", "--frozen-lockfile"] },
  { lock: "yarn.lock", name: "yarn", install: ["yarn", "install", "--immutable"] },
  { lock: "bun.lock", name: "bun", install: ["bun", "install", "--frozen-lockfile"] },
  { lock: "package-lock.json", name: "npm", install: ["npm", "ci"] },
] as const;

function guessNode(root: string): Guess | undefined {
  const test = objectOf(parseObject(readOr(root, "package.json") ?? "") ?? {}, "scripts")["test"];
  if (typeof test !== "string" || PLACEHOLDER.test(test)) return undefined;
  const manager = PACKAGE_MANAGERS.find(({ lock }) => existsSync(join(root, lock)));
  const run = manager?.name === "bun" ? ["bun", "run", "test"] : [manager?.name ?? "npm", "test"];
  return {
    gates: [{ name: "tests", run, protected: ["package.json"] }],
    prepare:
      manager === undefined
        ? undefined
        : { run: manager.install, key: ["package.json", manager.lock] },
  };
}

function guessPython(root: string): Guess | undefined {
  const project = readOr(root, "pyproject.toml");
  if (project === undefined) return undefined;
  if (!/pytest/.test(project) && !existsSync(join(root, "tests"))) return undefined;
  const guarded = ["pyproject.toml"];
  if (existsSync(join(root, "uv.lock"))) {
    return {
      gates: [{ name: "tests", run: ["uv", "run", "pytest", "-q"], protected: guarded }],
      prepare: { run: ["uv", "sync", "--frozen"], key: ["pyproject.toml", "uv.lock"] },
    };
  }
  const run = existsSync(join(root, "poetry.lock"))
    ? ["poetry", "run", "pytest", "-q"]
    : ["python3", "-m", "pytest", "-q"];
  return { gates: [{ name: "tests", run, protected: guarded }], prepare: undefined };
}

function guessGo(root: string): Guess | undefined {
  if (!existsSync(join(root, "go.mod"))) return undefined;
  return simple(["go", "test", "./..."], "go.mod");
}

function guessRust(root: string): Guess | undefined {
  if (!existsSync(join(root, "Cargo.toml"))) return undefined;
  return simple(["cargo", "test"], "Cargo.toml");
}

function guessMake(root: string): Guess | undefined {
  const target = ["test", "check"].find((name) =>
    new RegExp(`^${name}\\s*:(?!=)`, "m").test(readOr(root, "Makefile") ?? ""),
  );
  return target === undefined ? undefined : simple(["make", target], "Makefile");
}

function simple(run: readonly string[], definedIn: string): Guess {
  return { gates: [{ name: "tests", run, protected: [definedIn] }], prepare: undefined };
}

function readOr(root: string, name: string): string | undefined {
  try {
    return readFileSync(join(root, name), "utf8");
  } catch {
    // Absent, or nothing we may read: then it tells nothing.
    return undefined;
  }
}
