import { GuvnorError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/engine/call.ts";
import type { ResourceReader } from "../../src/engine/resources.ts";

export class FakeResources implements ResourceReader {
  readonly resources = [
    { uri: "guvnor://project", name: "project", description: "The project in one picture." },
  ];
  readonly templates = [
    { uriTemplate: "guvnor://task/{id}", name: "task", description: "One task." },
  ];
  readonly #watchers = new Map<string, Set<() => void>>();

  watching(): string[] {
    return [...this.#watchers.keys()];
  }

  change(uri: string): void {
    for (const changed of this.#watchers.get(uri) ?? []) changed();
  }

  async read(uri: string): Promise<JsonObject> {
    if (uri === "guvnor://broken") throw new Error("secret of the store");
    if (uri === "guvnor://busy") throw new GuvnorError("busy", "The store is busy.", "Try again.");
    if (uri.startsWith("guvnor://task/T9")) {
      const details = { id: "T9" };
      throw new GuvnorError("task_not_found", "There is no T9.", "List them.", { details });
    }
    return { uri, state: "ready" };
  }

  watch(uri: string, changed: () => void): () => void {
    const watchers = this.#watchers.get(uri) ?? new Set();
    watchers.add(changed);
    this.#watchers.set(uri, watchers);
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0) this.#watchers.delete(uri);
    };
  }
}
