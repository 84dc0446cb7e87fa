import type { Command } from "commander";

import { slugName } from "../../core/ids.ts";
import { TASK_STATES } from "../../core/task.ts";
import type { JsonObject } from "../../engine/call.ts";
import { namesOf, objectOf, rowsOf, textOf, wordOf } from "../answer.ts";
import { change, given, read } from "../ask-project.ts";
import type { Cli, Report } from "../cli.ts";
import { collect, collectPairs, wholeNumber } from "../options.ts";
import { taskTable } from "../task-table.ts";
import { taskText } from "../task-text.ts";
import { UsageError } from "../usage-error.ts";

export function addTaskCommands(program: Command, cli: Cli): void {
  const tasks = program
    .command("tasks")
    .description("tasks: list, show, add, cancel, reopen, accept, send-back");
  addListing(tasks, cli);
  addAdding(tasks, cli);
  const decisions = [
    ["cancel", "tasks_cancel", "cancel an open task and tell its holder"],
    ["reopen", "tasks_reopen", "open a task again that is done, failed or cancelled"],
    ["accept", "tasks_accept", "accept work in review that gates could not judge"],
    ["send-back", "tasks_send_back", "send work in review back to its agent"],
  ] as const;
  for (const [name, operation, description] of decisions) {
    tasks
      .command(name)
      .description(description)
      .argument("<id>", "a task such as T12")
      .requiredOption("--reason <text>", "why; agents read it")
      .action(async (id: string, { reason }: { reason: string }) => {
        await cli.report(async () =>
          reportMoved(await change(cli, { operation, args: { task_id: id, reason } })),
        );
      });
  }
}

interface Listing {
  readonly state?: readonly string[];
  readonly plan?: string;
  readonly limit: number;
  readonly cursor?: string;
}

function addListing(tasks: Command, cli: Cli): void {
  tasks
    .command("list")
    .description("list tasks in order of their ids")
    .option("--state <states>", `only these: ${TASK_STATES.join(", ")}`, collect)
    .option("--plan <id>", "only those of this plan")
    .option("--limit <n>", "the most to show", wholeNumber, 100)
    .option("--cursor <id>", "only those after this one")
    .action(async (options: Listing) => {
      await cli.report(async () => await list(cli, options));
    });
  tasks
    .command("show")
    .description("show everything about one task")
    .argument("<id>", "a task such as T12")
    .action(async (id: string) => {
      await cli.report(async () => {
        const answer = await read(cli, { operation: "tasks_show", args: { task_id: id } });
        return { json: answer, text: (view) => taskText(view, objectOf(answer, "task")) };
      });
    });
}

async function list(cli: Cli, { state, plan, limit, cursor }: Listing): Promise<Report> {
  const known: readonly string[] = TASK_STATES;
  const unknown = state?.find((each) => !known.includes(each));
  if (unknown !== undefined) {
    throw new UsageError(`There is no state "${unknown}".`, `Use some of: ${known.join(", ")}.`);
  }
  const args = given({ states: state, plan_id: plan, limit, cursor });
  const answer = await read(cli, { operation: "tasks_list", args });
  const rows = rowsOf(answer, "tasks");
  const next = textOf(answer, "cursor");
  return {
    json: answer,
    text: (view) => [
      ...(rows.length === 0 ? ["No tasks."] : taskTable(view, rows)),
      ...(next === undefined ? [] : view.hint(`There are more: --cursor ${next}`)),
      ...view.hint(
        rows.length === 0
          ? 'Add one: guvnor tasks add "…", or guvnor plan submit FILE'
          : `Look at one: guvnor tasks show ${String(rows[0]?.["id"])}`,
      ),
    ],
  };
}

interface Adding {
  readonly body?: string;
  readonly kind?: string;
  readonly label?: Record<string, string>;
  readonly after?: string[];
  readonly needs?: string[];
  readonly paths?: string[];
  readonly resources?: string[];
  readonly priority?: number;
  readonly estimate?: number;
  readonly deadline?: string;
  /** False for `--no-gates`. */
  readonly gates?: string[] | false;
  readonly onFailure?: string;
  readonly plan?: string;
  readonly key?: string;
  readonly dryRun?: true;
}

function addAdding(tasks: Command, cli: Cli): void {
  tasks
    .command("add")
    .description("add one task, as a plan of its own or to a plan")
    .argument("<title>", "what is to be done")
    .option("--body <text>", "the whole of it, for the agent")
    .option("--kind <kind>", "e.g. feature, fix, deploy")
    .option("--label <key=value>", "repeatable", collectPairs)
    .option("--after <ids>", "tasks (or keys of the plan) that must be done first", collect)
    .option("--needs <capabilities>", "what an agent must be able to do", collect)
    .option("--paths <globs>", "files it will write", collect)
    .option("--resources <names>", "what nobody else may use meanwhile", collect)
    .option("--priority <n>", "0 to 100, higher first", wholeNumber)
    .option("--estimate <minutes>", "how long it will take", wholeNumber)
    .option("--deadline <time>", "e.g. 2026-12-01T12:00:00Z")
    .option("--gates <names>", "only these gates", collect)
    .option("--no-gates", "no gates at all")
    .option("--on-failure <what>", "what dependents do then: block, cancel or skip")
    .option("--plan <id>", "add it to this plan")
    .option("--key <key>", "your name for it in its plan")
    .option("--dry-run", "check it, add nothing")
    .action(async (title: string, options: Adding) => {
      await cli.report(async () => await add(cli, title, options));
    });
}

async function add(cli: Cli, title: string, options: Adding): Promise<Report> {
  const { body, kind, label, after, needs, paths, resources, priority } = options;
  // commander: true where neither --gates nor --no-gates was given.
  const gates = options.gates === false ? [] : options.gates;
  const task = given({
    key: options.key ?? newKey(title, options.plan !== undefined),
    title,
    body,
    kind,
    labels: label,
    after,
    needs,
    paths,
    resources,
    priority,
    estimate_minutes: options.estimate,
    deadline: options.deadline,
    gates: Array.isArray(gates) ? gates : undefined,
    on_failure: options.onFailure,
  });
  const where = options.plan === undefined ? { title } : { plan_id: options.plan };
  const args = { ...where, tasks: [task], ...given({ dry_run: options.dryRun }) };
  const question = { operation: "submit_plan", args };
  const answer = options.dryRun === true ? await read(cli, question) : await change(cli, question);
  return reportAdded(answer);
}

/** In a plan that exists, another task may have the same title. */
function newKey(title: string, addsToPlan: boolean): string {
  const slug = slugName(title);
  return addsToPlan ? `${slug}-${Date.now().toString(36)}` : slug;
}

function reportAdded(answer: JsonObject): Report {
  const [id] = Object.values(objectOf(answer, "tasks")).map(String);
  const missing = namesOf(objectOf(answer, "analysis"), "missing_capabilities");
  return {
    json: answer,
    text: (view) => [
      ...view.sentence(
        id === undefined
          ? "It could be added; nothing was saved."
          : `Added ${id} in plan ${wordOf(answer, "plan_id")}.`,
      ),
      ...(missing.length === 0
        ? []
        : view.sentence(`No registered agent can do: ${missing.join(", ")}.`)),
      ...(id === undefined ? [] : view.hint(`Look at it: guvnor tasks show ${id}`)),
    ],
  };
}

function reportMoved(answer: JsonObject): Report {
  const task = objectOf(answer, "task");
  const id = wordOf(task, "id");
  return {
    json: answer,
    text: (view) => [
      ...view.sentence(`${id} is ${wordOf(task, "state")} now.`),
      ...view.hint(`Look at it: guvnor tasks show ${id}`),
    ],
  };
}
