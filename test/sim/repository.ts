import type { MergeResult } from "../../src/engine/ports.ts";

/** Path to content. Content that says "bad" fails every gate. */
export type Files = ReadonlyMap<string, string>;

interface Commit {
  readonly parents: readonly string[];
  readonly files: Files;
  /** Longest way to the first commit. */
  readonly depth: number;
}

/** Two of them in one tree are a red merge of two green branches. */
export const EXCLUSIVE = "exclusive";
const BAD = "bad";

/** A model of one git repository: commits with their files, refs, and working trees by directory. */
export class Repository {
  readonly refs = new Map<string, string>();
  /** Head of each working tree. */
  readonly heads = new Map<string, string>();
  /** Uncommitted paths of each working tree. */
  readonly dirty = new Map<string, readonly string[]>();
  /** Simulated time of the last change in each working tree. */
  readonly changedAtMs = new Map<string, number>();
  readonly #commits = new Map<string, Commit>();
  readonly root: string;

  constructor(files: Files) {
    this.root = this.commit([], files);
  }

  commit(parents: readonly string[], files: Files): string {
    const id = (this.#commits.size + 1).toString(16).padStart(10, "0").padEnd(40, "c");
    const depth = parents.reduce(
      (deepest, parent) => Math.max(deepest, this.#get(parent).depth),
      0,
    );
    this.#commits.set(id, { parents, files, depth: depth + 1 });
    return id;
  }

  has(id: string): boolean {
    return this.#commits.has(id);
  }

  filesOf(id: string): Files {
    return this.#get(id).files;
  }

  /** What an honest gate says of this tree. */
  isGreen(id: string): boolean {
    let exclusive = 0;
    for (const content of this.filesOf(id).values()) {
      if (content.includes(BAD)) return false;
      if (content.includes(EXCLUSIVE)) exclusive += 1;
    }
    return exclusive < 2;
  }

  isAncestor(older: string, newer: string): boolean {
    return older === newer || this.#history(newer).has(older);
  }

  merge(ours: string, theirs: string): MergeResult {
    if (this.isAncestor(theirs, ours)) return { kind: "contained", commit: ours };
    if (this.isAncestor(ours, theirs)) return { kind: "fast_forward", commit: theirs };
    const base = this.#mergeBase(ours, theirs);
    const { files, conflicts } = mergeFiles(
      base === undefined ? new Map() : this.filesOf(base),
      this.filesOf(ours),
      this.filesOf(theirs),
    );
    if (conflicts.length > 0) return { kind: "conflict", paths: conflicts };
    return { kind: "merged", commit: this.commit([ours, theirs], files) };
  }

  /** As a person solves it: both sides' changes, and of a conflict one's own. */
  mergeByHand(ours: string, theirs: string): string {
    const base = this.#mergeBase(ours, theirs);
    const { files } = mergeFiles(
      base === undefined ? new Map() : this.filesOf(base),
      this.filesOf(ours),
      this.filesOf(theirs),
    );
    return this.commit([ours, theirs], files);
  }

  changed(base: string, commit: string): readonly string[] {
    const from = this.filesOf(this.#mergeBase(base, commit) ?? base);
    const to = this.filesOf(commit);
    const paths = new Set([...from.keys(), ...to.keys()]);
    return [...paths].filter((path) => from.get(path) !== to.get(path)).toSorted();
  }

  #get(id: string): Commit {
    const found = this.#commits.get(id);
    if (found === undefined) throw new Error(`there is no commit ${id}`);
    return found;
  }

  #history(id: string): ReadonlySet<string> {
    const seen = new Set([id]);
    for (const each of seen) for (const parent of this.#get(each).parents) seen.add(parent);
    return seen;
  }

  #mergeBase(a: string, b: string): string | undefined {
    const ours = this.#history(a);
    let best: string | undefined;
    for (const id of this.#history(b)) {
      if (!ours.has(id)) continue;
      if (best === undefined || this.#get(id).depth > this.#get(best).depth) best = id;
    }
    return best;
  }
}

function mergeFiles(
  base: Files,
  ours: Files,
  theirs: Files,
): { files: Files; conflicts: string[] } {
  const files = new Map(ours);
  const conflicts: string[] = [];
  for (const path of new Set([...theirs.keys(), ...base.keys()])) {
    const [was, mine, other] = [base.get(path), ours.get(path), theirs.get(path)];
    if (other === was || other === mine) continue;
    if (mine !== was) conflicts.push(path);
    else if (other === undefined) files.delete(path);
    else files.set(path, other);
  }
  return { files, conflicts };
}
