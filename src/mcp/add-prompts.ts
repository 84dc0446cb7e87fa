import type { Server } from "@modelcontextprotocol/server";
import { z } from "zod";

import { plainText } from "../core/check-input.ts";
import { GuvnorError } from "../core/errors.ts";
import { answerErrors } from "./protocol-errors.ts";

/** A text that a person can ask for in the client, e.g. as a slash command. */
export interface PromptDefinition {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly text: string;
}

const NAME_PARAMS = { params: z.looseObject({ name: z.string() }) };

export function addPrompts(
  server: Server,
  prompts: readonly PromptDefinition[],
  onError: (error: Error) => void,
): void {
  server.setRequestHandler("prompts/list", () => ({
    prompts: prompts.map(({ name, title, description }) => ({ name, title, description })),
  }));
  server.setRequestHandler("prompts/get", NAME_PARAMS, ({ name }) =>
    answerErrors(onError, () => {
      const prompt = prompts.find((candidate) => candidate.name === name);
      if (prompt === undefined) {
        const known = prompts.map((candidate) => candidate.name).join(", ");
        const message = `There is no prompt ${JSON.stringify(plainText(name, 64))}.`;
        throw new GuvnorError("input_invalid", message, `Ask for one of: ${known}.`);
      }
      return {
        description: prompt.description,
        messages: [{ role: "user", content: { type: "text", text: prompt.text } }],
      };
    }),
  );
}
