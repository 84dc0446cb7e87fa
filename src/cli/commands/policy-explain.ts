import type { Project } from "../../app.ts";
import type { Agent } from "../../core/agent.ts";
import { GuvnorError } from "../../core/errors.ts";
import { didYouMean } from "../../core/nearest-name.ts";
import type { Effect } from "../../core/policy-rules.ts";
import type { JsonObject } from "../../engine/call.ts";
import { readFacts } from "../../engine/rules/policy-facts.ts";
import { type RulesInForce, rulesInForce } from "../../engine/rules/rules-in-force.ts";
import type { CompiledTool } from "../../policy/compile-policy.ts";
import type { PolicyFacts } from "../../policy/context-fields.ts";
import { explain, type Explanation, type RuleExplanation } from "../../policy/explain.ts";
import type { ReadTx } from "../../store/store.ts";
import { TOOLS } from "../../tools/index.ts";
import { parseObject } from "../answer.ts";
import type { Cli, Report } from "../cli.ts";
import { loadPolicyFile } from "../policy-file.ts";
import { oneLine } from "../text-layout.ts";
import { UsageError } from "../usage-error.ts";
import type { View } from "../view.ts";

export interface ExplainOptions {
  readonly tool: string;
  readonly agent?: string;
  readonly task?: string;
  readonly input?: string;
  readonly file?: string;
}

/** What the rules would say to a call now, and why; nothing is called, counted or stored. */
export async function explainPolicy(
  cli: Cli,
  project: Project,
  options: ExplainOptions,
): Promise<Report> {
  const { deps } = project;
  const given = options.input === undefined ? {} : parseObject(options.input);
  if (given === undefined) {
    throw new UsageError(
      "--input is no JSON object.",
      `Give one, e.g. --input '{"status":"done"}'.`,
    );
  }
  const rules = await rulesOf(cli, project, options.file);
  const known = requireTool(rules, options.tool);
  const { input, problem } = parseInput(known, withTask(known, given, options.task));
  const { agent, facts } = await deps.store.read(deps.scope, async (tx) => {
    const caller = await requireAgent(tx, options.agent);
    await requireTask(tx, options.task);
    const { project: row, settings } = rules;
    const about = options.task === undefined ? input : { ...input, task_id: options.task };
    const call = { agent: caller, tool: known, nowMs: deps.now(), project: row, settings };
    const seen = await readFacts(tx, { ...call, input: about });
    return { agent: caller, facts: { ...seen, input } };
  });
  const explanation = explain(rules.policy, { tool: options.tool, facts });
  const tier = agent?.tier ?? rules.settings.tiers.start;
  const from = options.file ?? "what is in force";
  return {
    json: {
      tool: options.tool,
      ...(agent === undefined ? {} : { agent: agent.name }),
      tier,
      from,
      ...(problem === undefined ? {} : { input_problem: problem }),
      ...explanation,
    },
    text: (view) => explanationText(view, explanation, { problem, tier, from }),
  };
}

type Rules = Pick<RulesInForce, "project" | "settings" | "policy">;

async function rulesOf(cli: Cli, { deps }: Project, file: string | undefined): Promise<Rules> {
  const inForce = await deps.store.read(deps.scope, async (tx) =>
    file === undefined ? await rulesInForce({ deps, tx }) : { project: await tx.projects.get() },
  );
  if ("policy" in inForce) return inForce;
  return { ...inForce, ...(await loadPolicyFile(cli, file)) };
}

function requireTool({ policy }: Rules, name: string): CompiledTool {
  const known = policy.tools.get(name);
  if (known !== undefined) return known;
  const names = [...policy.tools.keys()];
  const message = `There is no tool ${name}${didYouMean(name, names) || "."}`;
  throw new UsageError(message, `Use one of: ${names.join(", ")}.`);
}

async function requireAgent(tx: ReadTx, name: string | undefined): Promise<Agent | undefined> {
  if (name === undefined) return undefined;
  const agent = await tx.agents.get(name);
  if (agent !== undefined) return agent;
  const fix = "See who there is: guvnor agents list";
  throw new GuvnorError("agent_unknown", `There is no agent ${name}.`, fix);
}

async function requireTask(tx: ReadTx, id: string | undefined): Promise<void> {
  if (id === undefined || (await tx.tasks.get(id)) !== undefined) return;
  const fix = "List them with: guvnor tasks list";
  throw new GuvnorError("task_not_found", `There is no task ${id}.`, fix);
}

/** A call names its task among its arguments. */
function withTask({ tool }: CompiledTool, input: JsonObject, task: string | undefined): JsonObject {
  if (task === undefined || !Object.hasOwn(tool.fields, "task_id")) return input;
  return { task_id: task, ...input };
}

/** With the schema's defaults, as rules see it; what the schema would refuse is taken as it came. */
function parseInput(
  { tool }: CompiledTool,
  input: JsonObject,
): { input: NonNullable<PolicyFacts["input"]>; problem: string | undefined } {
  const parsed = TOOLS.find(({ name }) => name === tool.name)?.input.safeParse(input);
  if (parsed === undefined) return { input, problem: undefined };
  if (parsed.success) {
    const { data } = parsed;
    return { input: typeof data === "object" ? { ...data } : {}, problem: undefined };
  }
  const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) => {
    const field = path.map(String).join(".");
    return field === "" ? message : `${field}: ${message}`;
  });
  return { input, problem: issues.join("; ") };
}

const TONES: Record<Effect, "good" | "attention" | "bad"> = {
  allow: "good",
  warn: "attention",
  require_approval: "attention",
  deny: "bad",
};

function explanationText(
  view: View,
  { decision, rules }: Explanation,
  about: { problem: string | undefined; tier: string; from: string },
): string[] {
  const { effect, rule, reason, approvers, warnings, shadow } = decision;
  const elsewhere = rules.filter(({ outcome }) => outcome === "other_tool");
  const [first = "", ...more] = view.sentence(`${effect}, by ${rule}: ${reason}`);
  return [
    view.paint(TONES[effect], first),
    ...more,
    ...view.fields([
      ["tier", about.tier],
      ["rules", about.from],
      ...approvers.map(
        (each) => ["needs", `${each.count} of role ${each.role} (${each.rule})`] as const,
      ),
      ...warnings.map((each) => ["warns", `${each.rule}: ${each.reason}`] as const),
      ...shadow.map((each) => ["shadow", `${each.rule} would ${each.effect}`] as const),
    ]),
    ...(about.problem === undefined
      ? []
      : view
          .sentence(`As a call, these arguments would be refused: ${about.problem}`)
          .map((line) => view.paint("attention", line))),
    ...rules.flatMap((each) => ruleLines(view, each)),
    ...(elsewhere.length === 0
      ? []
      : [
          "",
          ...view.sentence(`Not for this tool: ${elsewhere.map((each) => each.rule).join(", ")}.`),
        ]),
    ...view.hint("Stops, limits and breakers are asked before the rules: guvnor status"),
  ];
}

const OUTCOMES: Record<RuleExplanation["outcome"], string> = {
  matched: "matches",
  not_matched: "no match",
  error: "ERROR",
  shadow: "matches, but only shadows",
  other_tool: "",
};

function ruleLines(
  view: View,
  { rule, effect, outcome, when, values, error }: RuleExplanation,
): string[] {
  if (outcome === "other_tool") return [];
  return [
    "",
    ...view.sentence(`${rule} (${effect}): ${OUTCOMES[outcome]}`),
    ...view.fields([
      ["  when", when ?? "always"],
      ...Object.entries(values).map(
        ([path, value]) => [`  ${oneLine(path)}`, JSON.stringify(value) ?? "null"] as const,
      ),
      ["  error", error],
    ]),
  ];
}
