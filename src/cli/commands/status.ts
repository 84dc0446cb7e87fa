import type { Command } from "commander";

import type { Project } from "../../app.ts";
import type { JsonObject } from "../../engine/call.ts";
import { countsOf, listOf, objectOf, rowsOf, textOf, wordOf } from "../answer.ts";
import { put, withProject } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { breakerLines, type GuardState, guardState, stopLines } from "../guard-state.ts";
import { readingPerson } from "../operator.ts";
import { settingsAdvice, type SettingsState, settingsState } from "../settings-state.ts";
import { taskTable } from "../task-table.ts";
import type { View } from "../view.ts";

export function addStatusCommand(program: Command, cli: Cli): void {
  program
    .command("status")
    .description("show the project: agents, plans, open tasks, what waits for you")
    .action(async () => {
      await cli.report(async () => await status(cli));
    });
}

async function status(cli: Cli): Promise<Report> {
  return await withProject(cli, async (project) => {
    const person = await readingPerson(cli, project);
    const answer = await put(project, person, {
      operation: "get_status",
      args: { scope: "project" },
    });
    const who = await presentAgents(project);
    const settings = await settingsState(project);
    const measuring = await gatesAtWork(project);
    const guards = await guardState(project);
    const { root, dataDir } = project.paths;
    const where = { root, data_dir: dataDir };
    return {
      json: { ...answer, ...guards, agents_present: who, settings, gate_runs: measuring, where },
      text: (view) => statusText(view, { answer, who, settings, measuring, guards }),
    };
  });
}

async function presentAgents({ deps }: Project): Promise<JsonObject[]> {
  return await deps.store.read(deps.scope, async (tx) => {
    const rows: JsonObject[] = [];
    for (const { name, state, tier, capabilities, processId } of await tx.agents.list()) {
      if (processId === null) continue;
      const tasks = (await tx.tasks.heldBy(name)).map(({ id }) => id);
      rows.push({ id: name, state, tier, capabilities, tasks });
    }
    return rows;
  });
}

interface GatesAtWork {
  readonly queued: boolean;
  readonly running: number;
  /** Processes that could measure. */
  readonly processes: number;
}

async function gatesAtWork({ deps }: Project): Promise<GatesAtWork> {
  return await deps.store.read(deps.scope, async (tx) => ({
    queued: (await tx.gateRuns.nextQueued()) !== undefined,
    running: (await tx.gateRuns.running()).length,
    processes: (await tx.processes.listPresent()).length,
  }));
}

interface Found {
  readonly answer: JsonObject;
  readonly who: readonly JsonObject[];
  readonly settings: SettingsState;
  readonly measuring: GatesAtWork;
  readonly guards: GuardState;
}

function statusText(view: View, { answer, who, settings, measuring, guards }: Found): string[] {
  const agents = objectOf(answer, "agents");
  const tasks = rowsOf(answer, "tasks");
  const plans = rowsOf(answer, "plans").map((plan) => [plan["id"], plan["state"], plan["title"]]);
  return [
    ...view.title(wordOf(answer, "project")),
    ...view.fields([
      ["agents", `${wordOf(agents, "present")} present, ${wordOf(agents, "known")} known`],
      ["tasks", countsOf(answer, "counts")],
      ["gates", listOf(answer, "gates") ?? "none"],
      ["policy", `${textOf(answer, "policy") ?? "none"} (profile ${wordOf(answer, "profile")})`],
    ]),
    ...stopLines(view, guards.stops),
    ...breakerLines(view, guards.breakers),
    ...settingsLines(view, settings),
    ...measuringLines(view, measuring),
    ...section(
      agentTable(
        view,
        who.filter((agent) => agent["state"] !== "offline"),
      ),
    ),
    ...section(
      plans.length === 0
        ? []
        : view.table(
            [{ title: "PLAN" }, { title: "STATE" }, { title: "TITLE", stretch: true }],
            plans,
          ),
    ),
    ...section(tasks.length === 0 ? [] : taskTable(view, tasks)),
    ...(answer["cursor"] === undefined ? [] : view.hint("There are more: guvnor tasks list")),
    ...waitingLines(view, answer, guards),
    "",
    ...view.hint(nextStep(answer, tasks, guards)),
  ];
}

function section(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", ...lines];
}

function agentTable(view: View, agents: readonly JsonObject[]): string[] {
  if (agents.length === 0) return [];
  return view.table(
    [
      { title: "AGENT" },
      { title: "STATE" },
      { title: "TIER" },
      { title: "TASKS" },
      { title: "CAN", stretch: true },
    ],
    agents.map((agent) => [
      agent["id"],
      agent["state"],
      agent["tier"],
      listOf(agent, "tasks"),
      listOf(agent, "capabilities"),
    ]),
  );
}

function settingsLines(view: View, settings: SettingsState): string[] {
  const advice = settingsAdvice(settings);
  const ignored =
    settings.ignored === undefined
      ? []
      : view.sentence(
          `This worktree's own guvnor.yaml is ignored; the one that counts is ${settings.file}.`,
        );
  return [...(advice === undefined ? [] : view.sentence(advice)), ...ignored].map((line) =>
    view.paint("attention", line),
  );
}

/** Gates are measured by the servers of agents: with none there, nothing leaves review. */
function measuringLines(view: View, { queued, processes }: GatesAtWork): string[] {
  if (!queued || processes > 0) return [];
  return view
    .sentence("Gates wait to be measured and no guvnor process is there: start an agent's client.")
    .map((line) => view.paint("attention", line));
}

/** Below that agents are asked. */
function askedOfPeople(answer: JsonObject): readonly JsonObject[] {
  return rowsOf(answer, "escalations").filter(({ level }) => level === "L3");
}

function waitingLines(view: View, answer: JsonObject, { approvals }: GuardState): string[] {
  const open = askedOfPeople(answer);
  if (open.length + approvals.length === 0) return [];
  const columns = [
    { title: "WAITS FOR YOU" },
    { title: "SEVERITY" },
    { title: "QUESTION", stretch: true as const },
  ];
  const asked = approvals.map((each) => {
    const task = textOf(each, "task");
    const what = `${wordOf(each, "agent")}: ${wordOf(each, "tool")}${task === undefined ? "" : ` ${task}`}`;
    return [each["id"], "approval", `${what}: ${wordOf(each, "why")}`];
  });
  const rows = [...asked, ...open.map((each) => [each["id"], each["severity"], each["summary"]])];
  return ["", ...view.table(columns, rows)];
}

function nextStep(
  answer: JsonObject,
  tasks: readonly JsonObject[],
  { approvals: [asked] }: GuardState,
): string {
  if (asked !== undefined) {
    return `See what waits for your yes: guvnor approvals show ${wordOf(asked, "id")}`;
  }
  if (askedOfPeople(answer).length > 0) {
    return "Answer what waits for you: guvnor escalations list";
  }
  const [first] = tasks;
  if (first === undefined) return "Give agents work: guvnor plan submit FILE";
  return `Look at a task: guvnor tasks show ${wordOf(first, "id")}`;
}
