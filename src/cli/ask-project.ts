import { openAt, type Project } from "../app.ts";
import { readConfig } from "../config.ts";
import { ERROR_CODES, GuvnorError } from "../core/errors.ts";
import type { JsonObject } from "../engine/call.ts";
import { findProject, type ProjectPaths } from "../project-paths.ts";
import { objectOf, wordOf } from "./answer.ts";
import type { Cli } from "./cli.ts";
import { createLogger } from "./logger.ts";
import { type Person, readingPerson, requirePerson } from "./operator.ts";

/** An operation and its arguments, as the engine knows them. */
export interface Question {
  readonly operation: string;
  readonly args: JsonObject;
}

/** Opens the project of the working directory for one command. Only `guvnor init` makes one. */
export async function withProject<T>(cli: Cli, work: (project: Project) => Promise<T>): Promise<T> {
  const project = await openHere(cli);
  try {
    return await work(project);
  } finally {
    await project.close();
  }
}

/** @throws {GuvnorError} `no_project` where none was initialised, or what opening it throws. */
export async function openHere(cli: Cli): Promise<Project> {
  const config = readConfig(cli.env);
  const paths = await requireProject(cli);
  const log = createLogger(config.logLevel);
  return await openAt(paths, { config, directory: cli.directory, log });
}

/** @throws {GuvnorError} `no_project` where none was initialised. */
async function requireProject(cli: Cli): Promise<ProjectPaths> {
  const paths = await findProject(readConfig(cli.env), cli.directory, "use");
  if (paths?.exists === true) return paths;
  throw new GuvnorError(
    "no_project",
    `No guvnor project was initialised for ${cli.directory}.`,
    "Run `guvnor init` in the project's directory.",
  );
}

/** Asks for something that anybody may read. */
export async function read(cli: Cli, question: Question): Promise<JsonObject> {
  return await withProject(cli, async (project) =>
    put(project, await readingPerson(cli, project), question),
  );
}

/** Asks for something that only a person may do. */
export async function change(cli: Cli, question: Question): Promise<JsonObject> {
  return await withProject(cli, async (project) =>
    put(project, await requirePerson(cli, project), question),
  );
}

/** One governed call; a refusal is thrown. */
export async function put(
  project: Project,
  caller: Person,
  { operation, args }: Question,
): Promise<JsonObject> {
  const { signal } = new AbortController();
  const answer = await project.governor.call({ operation, args, caller, signal });
  if (!answer.isError) return answer.body;
  const { body } = answer;
  const details = objectOf(body, "details");
  throw new GuvnorError(
    ERROR_CODES.find((code) => code === body["code"]) ?? "internal",
    wordOf(body, "message"),
    wordOf(body, "fix"),
    Object.keys(details).length === 0 ? {} : { details },
  );
}

/** Drops options that were not given. */
export function given(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
