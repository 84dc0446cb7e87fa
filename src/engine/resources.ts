import type { JsonObject } from "./call.ts";

export interface ResourceListing {
  readonly uri: string;
  readonly name: string;
  readonly description: string;
}

export interface ResourceTemplateListing {
  readonly uriTemplate: string;
  readonly name: string;
  readonly description: string;
}

/** What MCP clients may read and watch: `guvnor://project`, `guvnor://task/T12`, … */
export interface ResourceReader {
  readonly resources: readonly ResourceListing[];
  readonly templates: readonly ResourceTemplateListing[];
  /** @throws {GuvnorError} `input_invalid`, `task_not_found`, `topic_not_found` or `no_project`. */
  read(uri: string): Promise<JsonObject>;
  /** Calls `changed` after commits that may have changed what `uri` shows; answers how to stop. */
  watch(uri: string, changed: () => void): () => void;
}
