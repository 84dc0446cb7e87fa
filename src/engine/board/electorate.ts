import type { Topic } from "../../core/board.ts";
import { GuvnorError } from "../../core/errors.ts";
import type { ReadTx } from "../../store/store.ts";
import type { WriteContext } from "../call-context.ts";
import { endGoneProcesses } from "../end-gone-processes.ts";
import { rulesInForce } from "../rules/rules-in-force.ts";

/** Agents by name, and all present ones with one of the roles or the capability. */
export interface ElectorateRequest {
  readonly agents?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly capability?: string | undefined;
}

/**
 * Who may propose and vote, sorted: those who were asked for, or else everybody who is present now.
 * Named agents may be away; they count as silent at the deadline.
 *
 * @throws {GuvnorError} `agent_unknown` or, for nobody, `input_invalid`.
 */
export async function chooseElectorate(
  ctx: WriteContext,
  asked: ElectorateRequest | undefined,
): Promise<readonly string[]> {
  await endGoneProcesses(ctx);
  const agents = await ctx.tx.agents.list();
  const processes = new Set((await ctx.tx.processes.listPresent()).map(({ id }) => id));
  const present = agents.filter(
    ({ processId, state }) =>
      processes.has(processId) && state !== "quarantined" && state !== "revoked",
  );
  const { agents: named = [], roles = [], capability } = asked ?? {};
  if (asked?.agents?.length === 0 || asked?.roles?.length === 0) {
    throw new GuvnorError(
      "input_invalid",
      "The electorate names nobody.",
      "Name agents or roles, or leave `electorate` out for all present agents.",
    );
  }
  const known = new Set(agents.map(({ name }) => name));
  const unknown = named.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new GuvnorError(
      "agent_unknown",
      `No agent is called ${unknown.join(", ")}.`,
      `Name some of ${[...known].slice(0, 20).join(", ")}, or leave \`electorate\` out for all present agents.`,
    );
  }
  const isOpen = named.length === 0 && roles.length === 0 && capability === undefined;
  const chosen = present.filter(
    ({ role, capabilities }) =>
      isOpen ||
      (role !== null && roles.includes(role)) ||
      (capability !== undefined && capabilities.includes(capability)),
  );
  const members = new Set([...named, ...chosen.map(({ name }) => name)]);
  if (members.size > 0) return [...members].toSorted();
  throw new GuvnorError(
    "input_invalid",
    "Nobody would be in the electorate.",
    isOpen
      ? "Name the agents that shall vote: none is present."
      : "Ask for a role or capability that a present agent has, or name agents.",
  );
}

/**
 * Who of the electorate may veto, by role, as guvnor.yaml has it now. What an agent says of its own
 * role counts for nothing here.
 *
 * @throws {GuvnorError} `input_invalid` for a role that nobody wrote down, or that no member has.
 */
export async function vetoRoles(
  ctx: WriteContext,
  asked: readonly string[],
  electorate: readonly string[],
): Promise<Topic["veto"]> {
  if (asked.length === 0) return [];
  const { roles } = (await rulesInForce(ctx)).settings;
  return [...new Set(asked)].map((role) => {
    const named = Object.hasOwn(roles, role) ? (roles[role] ?? []) : [];
    const members = electorate.filter((name) => named.includes(name));
    if (members.length > 0) return { role, members };
    throw new GuvnorError(
      "input_invalid",
      named.length === 0
        ? `guvnor.yaml has no role ${role}.`
        : `Nobody in the electorate has the role ${role}: ${named.join(", ")}.`,
      named.length === 0
        ? `Roles are ${Object.keys(roles).join(", ") || "not there"}: a person adds one to guvnor.yaml.`
        : "Add one of them to `electorate`, or leave the role out of `veto`.",
    );
  });
}

/** What each member is, as it said when it registered. */
export async function modelsOf(
  tx: ReadTx,
  electorate: readonly string[],
): Promise<Topic["models"]> {
  const known: [string, string][] = [];
  for (const name of electorate) {
    const model = (await tx.agents.get(name))?.model ?? null;
    if (model !== null) known.push([name, model]);
  }
  return Object.fromEntries(known);
}
