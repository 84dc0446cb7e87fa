import { callingAgent, type CallContext, type ReadContext } from "./call-context.ts";
import type { JsonObject } from "./call.ts";
import { requirePipeline, requirePlan, requireTask } from "./find-rows.ts";
import { cut, isOfAgent, waitingFor } from "./inbox.ts";
import { myNextStep } from "./my-next-step.ts";
import type { Outcome } from "./operation.ts";
import { describePipeline } from "./pipelines/describe-pipeline.ts";
import { sealPart } from "./pipelines/seal-parts.ts";
import { isOfTool } from "./rules/breakers.ts";
import { agentSubject } from "./rules/guards.ts";
import { breakerRow, openBreakers } from "./rules/open-breakers.ts";
import { rulesInForce } from "./rules/rules-in-force.ts";
import { shownStates } from "./shown-state.ts";
import { describeTask, iso, present, taskRow } from "./task-view.ts";

/** Compact rows a list shows at most; `cursor` gives the next ones. */
const ROWS = 20;
const INBOX_ITEMS = 20;
const OPEN_ESCALATIONS = 100;
/** What agents said comes whole with read_messages. */
const MESSAGE_CHARACTERS = 1000;

export interface StatusQuery {
  readonly scope?: "me" | "task" | "plan" | "pipeline" | "project" | "agents" | undefined;
  readonly id?: string | undefined;
  readonly cursor?: string | undefined;
}

export async function getStatus(ctx: CallContext, query: StatusQuery): Promise<Outcome> {
  return await SCOPES[query.scope ?? (ctx.agent === undefined ? "project" : "me")](ctx, query);
}

const SCOPES = {
  me: myStatus,
  task: async (ctx: CallContext, query: StatusQuery): Promise<Outcome> => {
    const task = await requireTask(ctx, query.id ?? "");
    const reader = ctx.agent?.name;
    const shown = await sealPart(ctx.tx, { task, shown: await describeTask(ctx, task), reader });
    return { answer: { scope: "task", task: shown }, target: task.id };
  },
  plan: planStatus,
  pipeline: async (ctx: CallContext, query: StatusQuery): Promise<Outcome> => {
    const [newest] = query.id === undefined ? await ctx.tx.pipelines.list(1) : [];
    const pipeline = newest ?? (await requirePipeline(ctx, query.id ?? ""));
    const answer = {
      scope: "pipeline",
      pipeline: await describePipeline(ctx.tx, pipeline, ctx.agent?.name),
    };
    return { answer, target: pipeline.id };
  },
  project: async (ctx: CallContext, query: StatusQuery): Promise<Outcome> => ({
    answer: { scope: "project", ...(await projectStatus(ctx, query)) },
  }),
  agents: async (ctx: CallContext, query: StatusQuery): Promise<Outcome> => ({
    answer: { scope: "agents", ...(await agentRows(ctx, query)) },
  }),
};

/** Whole inbox items, acknowledged by being shown; what agents said waits for read_messages. */
async function myStatus(ctx: CallContext): Promise<Outcome> {
  const agent = callingAgent(ctx);
  const stateOf = await shownStates(ctx, ctx.nowMs);
  const held = await ctx.tx.tasks.heldBy(agent.name);
  const messages = await waitingFor(ctx, agent, INBOX_ITEMS);
  const ids = messages.filter((message) => !isOfAgent(message)).map(({ id }) => id);
  await ctx.tx.messages.acknowledge(agent.name, ids, ctx.nowMs);
  for (const id of ids) ctx.effects.push({ type: "message", id, event: "acknowledged" });
  const { settings } = await rulesInForce(ctx);
  const breakers = (await openBreakers(ctx.tx, settings, ctx.nowMs)).filter(
    ({ subject }) => subject === agentSubject(agent.name) || isOfTool(subject),
  );
  const status = present({
    agent: agent.name,
    state: stateOf(agent),
    tier: agent.tier,
    role: agent.role,
    capabilities: agent.capabilities,
    worktree: agent.worktree,
    tasks: held.map((task) => ({ ...taskRow(task), fence: task.fence })),
    messages: messages.map((message) =>
      present({
        id: message.id,
        from: message.from,
        kind: message.kind,
        subject: message.subject,
        text: isOfAgent(message) ? cut(message.text, MESSAGE_CHARACTERS) : message.text,
        at: iso(message.atMs),
      }),
    ),
    breakers: breakers.map(breakerRow),
    next: await myNextStep(ctx, agent, { held, breakers }),
  });
  return { answer: { scope: "me", ...status }, shows: messages.map(({ id }) => id) };
}

async function planStatus(ctx: CallContext, query: StatusQuery): Promise<Outcome> {
  const [newest] = query.id === undefined ? await ctx.tx.plans.list(1) : [];
  const plan = await requirePlan(ctx, query.id ?? newest?.id ?? "");
  const tasks = await ctx.tx.tasks.list({
    planId: plan.id,
    limit: ROWS + 1,
    ...(query.cursor === undefined ? {} : { afterId: query.cursor }),
  });
  return {
    target: plan.id,
    answer: {
      scope: "plan",
      plan: present({
        id: plan.id,
        title: plan.title,
        state: plan.state,
        created_by: plan.createdBy,
        created_at: iso(plan.createdAtMs),
        integrate: plan.integrate,
        branch: plan.branch,
        head_commit: plan.headCommit,
      }),
      counts: await ctx.tx.tasks.counts(plan.id),
      ...page("tasks", tasks.map(taskRow)),
    },
  };
}

/** The whole project in short. */
export async function projectStatus(ctx: ReadContext, query: StatusQuery): Promise<JsonObject> {
  const { project, settings } = await rulesInForce(ctx);
  const agents = await ctx.tx.agents.list();
  const open = await ctx.tx.tasks.list({
    states: ["running", "blocked", "review", "ready", "pending", "failed"],
    limit: ROWS + 1,
    ...(query.cursor === undefined ? {} : { afterId: query.cursor }),
  });
  const plans = await ctx.tx.plans.list(5);
  const asked = await ctx.tx.escalations.list(["open", "acknowledged"], OPEN_ESCALATIONS);
  // What waits for people first.
  const escalations = asked.toSorted((a, b) => b.level.localeCompare(a.level)).slice(0, 5);
  return {
    ...present({
      project: project?.name,
      policy: project?.policyHash?.slice(0, 12),
      profile: settings.profile,
      gates: Object.keys(settings.gates),
      plans: plans.map((plan) => ({ id: plan.id, title: plan.title, state: plan.state })),
      escalations: escalations.map(({ id, level, state, severity, summary }) => ({
        id,
        level,
        state,
        severity,
        summary,
      })),
    }),
    agents: {
      present: agents.filter((agent) => agent.state !== "offline").length,
      known: agents.length,
    },
    counts: await ctx.tx.tasks.counts(),
    ...page("tasks", open.map(taskRow)),
  };
}

async function agentRows(ctx: CallContext, query: StatusQuery): Promise<JsonObject> {
  const agents = await ctx.tx.agents.list();
  const stateOf = await shownStates(ctx, ctx.nowMs);
  const { cursor } = query;
  const later = cursor === undefined ? agents : agents.filter((agent) => agent.name > cursor);
  const rows = [];
  for (const agent of later.slice(0, ROWS + 1)) {
    const held = await ctx.tx.tasks.heldBy(agent.name);
    rows.push(
      present({
        id: agent.name,
        state: stateOf(agent),
        role: agent.role,
        capabilities: agent.capabilities,
        tier: agent.tier,
        tasks: held.map((task) => task.id),
        last_seen: iso(agent.lastSeenMs),
      }),
    );
  }
  return page("agents", rows);
}

/** At most ROWS rows, and where the next ones begin. */
function page(name: string, rows: readonly JsonObject[]): JsonObject {
  const shown = rows.slice(0, ROWS);
  const last = shown.at(-1);
  return { [name]: shown, ...(rows.length > ROWS ? { cursor: last?.["id"] } : {}) };
}
