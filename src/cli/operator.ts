import { userInfo } from "node:os";

import type { Project } from "../app.ts";
import { GuvnorError } from "../core/errors.ts";
import type { Caller } from "../engine/call.ts";
import { operatorKeyFile } from "../project-paths.ts";
import { type Ancestor, agentNameOf, isEditor, listAncestors } from "./ancestors.ts";
import type { Cli } from "./cli.ts";
import { type OperatorKey, readOperatorKey } from "./operator-key.ts";

export type Person = Extract<Caller, { kind: "person" }>;

/** The operating system's user, as the ledger names people. */
function userName(): string {
  return userInfo().username;
}

/** Who reads. Reading needs no key; with the right one the ledger says so. */
export async function readingPerson(cli: Cli, project: Project): Promise<Person> {
  const known = await operatorKeyHash(project);
  return person(known !== null && safeKey(cli)?.hash === known);
}

/**
 * Who changes something. The project's operator key vouches for a person, but not in an agent's own
 * shell. Where the project has no key there must be a terminal and no agent above this process, and
 * the ledger says `unverified`.
 * @throws {GuvnorError} `key_invalid` or `person_required`.
 */
export async function requirePerson(cli: Cli, project: Project): Promise<Person> {
  const key = readOperatorKey(cli.env);
  const known = await operatorKeyHash(project);
  if (known === null) return personAtTerminal(cli, await clientsOf(project));
  if (key === undefined) throw keyMissing(cli);
  if (key.hash !== known) throw keyMismatch(key);
  return personWithKey();
}

/**
 * Who says something for all projects, where there may be none: any key in its place vouches.
 * @throws {GuvnorError} `key_invalid` or `person_required`.
 */
export function requirePersonAnywhere(cli: Cli): Person {
  return readOperatorKey(cli.env) === undefined ? personAtTerminal(cli, []) : personWithKey();
}

/** An agent that runs as its person can read the key too. */
function personWithKey(): Person {
  const agent = agentAbove(listAncestors().filter(({ command }) => !isEditor(command)));
  if (agent === undefined) return person(true);
  throw agentRuns(agent);
}

function agentRuns(agent: string): GuvnorError {
  return new GuvnorError(
    "person_required",
    `Only a person may do this, and ${agent} runs this command.`,
    "Run it in a terminal of your own; `guvnor init` there makes a key that vouches for you.",
  );
}

function keyMissing({ env }: Cli): GuvnorError {
  return new GuvnorError(
    "person_required",
    "Only a person with this project's operator key may do this, and there is none here.",
    `Run it as the person who ran \`guvnor init\`: the key is expected at ${operatorKeyFile(env)}.`,
  );
}

function personAtTerminal(cli: Cli, clients: readonly ClientProcess[]): Person {
  const agent = agentAbove(listAncestors(), clients);
  if (agent !== undefined) throw agentRuns(agent);
  if (cli.stdin.isTTY !== true) {
    throw new GuvnorError(
      "person_required",
      "Only a person may do this: there is neither an operator key nor a terminal.",
      "Run `guvnor init` in a terminal once: it makes the key that vouches for you.",
    );
  }
  return person(false);
}

export function keyMismatch(key: OperatorKey): GuvnorError {
  return new GuvnorError(
    "key_invalid",
    `The operator key ${key.file} is not the one of this project.`,
    "Use the key that was there when the project was initialised.",
  );
}

/** What names a running client of this project's servers. */
type ClientProcess = Pick<Ancestor, "pid" | "startTime">;

/** The agent among the processes above: by its name, or because it started one of our servers. */
export function agentAbove(
  ancestors: readonly Ancestor[],
  clients: readonly ClientProcess[] = [],
): string | undefined {
  for (const { pid, startTime, command } of ancestors) {
    const name = agentNameOf(command);
    if (name !== undefined) return name;
    const isClient = clients.some((each) => each.pid === pid && each.startTime === startTime);
    if (isClient) return `an agent's client (pid ${pid})`;
  }
  return undefined;
}

/** Who started the servers that are present, as far as their pids mean something here. */
async function clientsOf(project: Project): Promise<ClientProcess[]> {
  const { deps } = project;
  const { self } = deps.processes;
  const present = await deps.store.read(deps.scope, async (tx) => await tx.processes.listPresent());
  return present
    .filter(
      ({ host, bootId, pidNamespace }) =>
        host === self.host && bootId === self.bootId && pidNamespace === self.pidNamespace,
    )
    .map(({ parentPid, parentStartTime }) => ({ pid: parentPid, startTime: parentStartTime }));
}

async function operatorKeyHash({ deps }: Project): Promise<string | null> {
  const project = await deps.store.read(deps.scope, async (tx) => await tx.projects.get());
  return project?.operatorKeyHash ?? null;
}

/** A key that is not in order vouches for nobody, but keeps nobody from reading. */
function safeKey(cli: Cli): OperatorKey | undefined {
  try {
    return readOperatorKey(cli.env);
  } catch (error) {
    if (error instanceof GuvnorError) return undefined;
    throw error;
  }
}

function person(verified: boolean): Person {
  return { kind: "person", channel: "cli", name: userName(), verified };
}
