import { type OpenOptions, openProject, type Project } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import type { Caller } from "../src/engine/call.ts";
import type { Answer } from "./answer.ts";
import type { Durability } from "./servers.ts";

/** guvnor in this process: the engine over its file, without MCP. */
export interface InProcess {
  readonly project: Project;
  /** @throws when the call was refused. */
  readonly call: (operation: string, args: object) => Promise<Answer>;
  /** What only people may ask. @throws when it was refused. */
  readonly asPerson: (operation: string, args: object) => Promise<Answer>;
}

export async function withGovernor<T>(
  home: string,
  durability: Durability,
  work: (governor: InProcess) => Promise<T>,
  settingsFile?: string,
): Promise<T> {
  const config = readConfig({
    GUVNOR_HOME: home,
    GUVNOR_DURABILITY: durability,
    GUVNOR_CONFIG: settingsFile,
  });
  const project = await openProject({ config, directory: home, log: LOG });
  const { signal } = new AbortController();
  const agent = { kind: "agent", channel: "stdio", clientName: "bench" } as const;
  const person = { kind: "person", channel: "cli", name: "bench", verified: true } as const;
  const callAs =
    (caller: Caller) =>
    async (operation: string, args: object): Promise<Answer> => {
      const { isError, body } = await project.governor.call({ operation, args, caller, signal });
      if (isError) throw new Error(`${operation}: ${JSON.stringify(body)}`);
      return body;
    };
  try {
    return await work({ project, call: callAs(agent), asPerson: callAs(person) });
  } finally {
    await project.close();
  }
}

const LOG: OpenOptions["log"] = {
  info: () => undefined,
  warn: (fields, message) => console.error(message, fields),
  error: (fields, message) => console.error(message, fields),
};
