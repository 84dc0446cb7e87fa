import type { Server } from "@modelcontextprotocol/server";
import { z } from "zod";

import type { ResourceReader } from "../engine/resources.ts";
import { answerErrors } from "./protocol-errors.ts";
import type { ResourceWatches } from "./resource-watches.ts";

const MIME_TYPE = "application/json";
const URI_PARAMS = { params: z.looseObject({ uri: z.string() }) };
/** Holds the watches of `resources/subscribe`; listening requests hold theirs by their ids. */
const SUBSCRIBER = Symbol("subscriber");

/** Lists, reads and watches resources. Old clients subscribe; the SDK serves `listen` to new ones. */
export function addResources(
  server: Server,
  reader: ResourceReader,
  watches: ResourceWatches,
  onError: (error: Error) => void,
): void {
  watches.notifyWith((uri) => {
    server.sendResourceUpdated({ uri }).catch((error: unknown) => {
      onError(new Error("A change could not be reported.", { cause: error }));
    });
  });
  server.setRequestHandler("resources/list", () => ({
    resources: reader.resources.map((resource) => ({ ...resource, mimeType: MIME_TYPE })),
  }));
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: reader.templates.map((template) => ({ ...template, mimeType: MIME_TYPE })),
  }));
  server.setRequestHandler("resources/read", URI_PARAMS, ({ uri }) =>
    answerErrors(onError, async () => {
      const text = JSON.stringify(await reader.read(uri));
      return { contents: [{ uri, mimeType: MIME_TYPE, text }] };
    }),
  );
  server.setRequestHandler("resources/subscribe", URI_PARAMS, ({ uri }) =>
    answerErrors(onError, async () => {
      // What cannot be read cannot be watched, and is refused for the same reason.
      await reader.read(uri);
      watches.add(SUBSCRIBER, uri);
      return {};
    }),
  );
  server.setRequestHandler("resources/unsubscribe", URI_PARAMS, ({ uri }) => {
    watches.remove(SUBSCRIBER, uri);
    return {};
  });
}
