import { GuvnorError } from "../core/errors.ts";
import { describeTopic } from "./board/describe-topic.ts";
import { loadDeliberation } from "./board/move-topic.ts";
import type { ReadContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import type { EngineDeps } from "./deps.ts";
import { requireTask, requireTopic } from "./find-rows.ts";
import { projectStatus } from "./get-status.ts";
import { sealPart } from "./pipelines/seal-parts.ts";
import type { ResourceListing, ResourceReader, ResourceTemplateListing } from "./resources.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { describeTask, iso, present } from "./task-view.ts";

const RESOURCES: readonly ResourceListing[] = [
  {
    uri: "guvnor://project",
    name: "project",
    description: "Plans, open tasks, agents and open escalations in short.",
  },
  {
    uri: "guvnor://policy",
    name: "policy",
    description: "The settings in force, and who applied them.",
  },
  {
    uri: "guvnor://audit/head",
    name: "audit head",
    description: "Number and hash of the ledger's last entry; keep it to check the ledger later.",
  },
];

const TEMPLATES: readonly ResourceTemplateListing[] = [
  { uriTemplate: "guvnor://task/{id}", name: "task", description: "One task, e.g. T12." },
  { uriTemplate: "guvnor://topic/{id}", name: "topic", description: "One topic, e.g. B1." },
];

/** A watched resource is read again at least this often; what wakes waiting calls wakes this too. */
const RECHECK_MS = 30_000;

interface Watched {
  /** What was read last, as JSON. */
  seen: string | undefined;
  readonly listeners: Set<() => void>;
}

type Open = () => Promise<{ readonly deps: EngineDeps }>;

/** What was read is remembered for so many resources, so that no change before a watch is missed. */
const MAX_REMEMBERED = 256;

/** Reads and watches through a project that is opened when the first resource is asked for. */
export function createResourceReader(open: Open): ResourceReader {
  const lastRead = new Map<string, string>();
  const watched = new Map<string, Watched>();
  let following: AbortController | undefined;
  const startFollowing = (): void => {
    const mine = new AbortController();
    following = mine;
    void follow(open, watched, mine.signal).finally(() => {
      // Where there was nothing to follow (yet), the next watch tries again.
      if (following === mine) following = undefined;
    });
  };
  return {
    resources: RESOURCES,
    templates: TEMPLATES,
    read: async (uri) => {
      const { deps } = await open();
      const found = await deps.store.read(
        deps.scope,
        async (tx) => await readResource({ deps, tx }, uri),
      );
      lastRead.delete(uri);
      lastRead.set(uri, JSON.stringify(found));
      const [oldest] = lastRead.keys();
      if (lastRead.size > MAX_REMEMBERED && oldest !== undefined) lastRead.delete(oldest);
      return found;
    },
    watch: (uri, changed) => {
      const entry = watched.get(uri) ?? { seen: lastRead.get(uri), listeners: new Set() };
      watched.set(uri, entry);
      // Each watch is its own, though two may have been given the same function.
      const listener = (): void => changed();
      entry.listeners.add(listener);
      if (following === undefined) startFollowing();
      else void quietly(async () => await compare((await open()).deps, uri, entry));
      return () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size === 0 && watched.get(uri) === entry) watched.delete(uri);
        if (watched.size > 0) return;
        following?.abort();
        following = undefined;
      };
    },
  };
}

/** One loop for all that is watched: waits for a commit, reads again, tells what is not as before. */
async function follow(
  open: Open,
  watched: ReadonlyMap<string, Watched>,
  signal: AbortSignal,
): Promise<void> {
  await quietly(async () => {
    const { deps } = await open();
    const watch = deps.store.watch();
    try {
      while (!signal.aborted) {
        for (const [uri, entry] of watched) await compare(deps, uri, entry);
        await watch.next(RECHECK_MS, signal);
      }
    } finally {
      watch.close();
    }
  });
}

async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch {
    // Nothing can be watched: there is no project (yet), or the store is closed. Reading says why.
  }
}

async function compare(deps: EngineDeps, uri: string, entry: Watched): Promise<void> {
  const now = await deps.store.read(deps.scope, async (tx) => await snapshot({ deps, tx }, uri));
  const changed = entry.seen !== undefined && entry.seen !== now;
  entry.seen = now;
  if (changed) for (const listener of entry.listeners) listener();
}

/** What cannot be read has a state too: a task may come to be. */
async function snapshot(ctx: ReadContext, uri: string): Promise<string> {
  try {
    return JSON.stringify(await readResource(ctx, uri));
  } catch (error) {
    if (error instanceof GuvnorError) return error.code;
    throw error;
  }
}

async function readResource(ctx: ReadContext, uri: string): Promise<JsonObject> {
  const { tx } = ctx;
  const [, kind, id] = /^guvnor:\/\/(task|topic)\/([A-Za-z0-9]{1,32})$/.exec(uri) ?? [];
  if (kind === "task") {
    const task = await requireTask(ctx, id ?? "");
    // Whose agents read it is not known: as for one that has no part in it.
    return await sealPart(ctx.tx, { task, shown: await describeTask(ctx, task), reader: "" });
  }
  if (kind === "topic") {
    const deliberation = await loadDeliberation(tx, await requireTopic(ctx, id ?? ""));
    return await describeTopic(tx, deliberation, {
      reader: { kind: "process", name: ctx.deps.processId },
      whole: false,
    });
  }
  switch (uri) {
    case "guvnor://project":
      return await projectStatus(ctx, {});
    case "guvnor://policy":
      return await describePolicy(ctx);
    case "guvnor://audit/head": {
      const head = await tx.audit.head();
      return { seq: head?.seq ?? 0, ...(head === undefined ? {} : { hash: head.hash }) };
    }
    default:
      throw new GuvnorError(
        "input_invalid",
        `There is no resource ${JSON.stringify(uri.slice(0, 200))}.`,
        "List them with resources/list and resources/templates/list.",
      );
  }
}

async function describePolicy(ctx: ReadContext): Promise<JsonObject> {
  const { hash, settings } = await rulesInForce(ctx);
  const set = hash === null ? undefined : await ctx.tx.policies.get(hash);
  const { profile, gates, prepare } = settings;
  return present({
    policy: hash,
    applied_by: set?.appliedBy,
    applied_at: set === undefined ? null : iso(set.appliedAtMs),
    profile,
    gates: Object.entries(gates).map(([name, gate]) => ({
      name,
      run: gate.run,
      timeout_seconds: gate.timeoutMs / 1000,
      protected: gate.protected,
    })),
    prepare:
      prepare === null
        ? null
        : { run: prepare.run, timeout_seconds: prepare.timeoutMs / 1000, key: prepare.key },
  });
}
