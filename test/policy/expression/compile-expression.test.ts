import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

import { CONTEXT_FIELDS, type PolicyFacts, ROOTS } from "../../../src/policy/context-fields.ts";
import { compileExpression } from "../../../src/policy/expression/compile-expression.ts";
import { createEnvironment } from "../../../src/policy/expression/environment.ts";
import { ExpressionProblem } from "../../../src/policy/expression/expression-problem.ts";
import { FUNCTIONS, MACROS, METHODS } from "../../../src/policy/expression/functions.ts";
import { defaultOf, fieldTypesOf, type FieldType } from "../../../src/policy/field-types.ts";
import { TOOL_TYPES } from "../rules.ts";

const NAMES = TOOL_TYPES.map(({ name }) => name);

function fieldsOf(tool: string): Readonly<Record<string, FieldType>> {
  return TOOL_TYPES.find(({ name }) => name === tool)?.fields ?? {};
}

const REPORT = createEnvironment(fieldsOf("report_progress"), NAMES);
const PLAN = createEnvironment(fieldsOf("submit_plan"), NAMES);

type Facts = PolicyFacts & { readonly tool?: object };

function holds(source: string, facts: Facts = {}, environment = REPORT): boolean {
  const { holds: run } = compileExpression(source, environment);
  return run(new environment.Facts({ ...facts, now: facts.nowMs }));
}

/** "OFFSET: MESSAGE" of what is wrong with it. */
function problemOf(source: string, environment = REPORT): string {
  try {
    compileExpression(source, environment);
  } catch (error) {
    if (error instanceof ExpressionProblem) return `${error.offset}: ${error.message}`;
    throw error;
  }
  return "";
}

const DEPLOY: Facts = {
  tier: "T1",
  agent: { name: "ada", role: null, capabilities: ["go", "sql"], tier: "T1" },
  tool: { name: "report_progress", class: "write" },
  task: {
    id: "T12",
    title: "Deploy it",
    kind: "deploy",
    labels: { env: "production", team: "core" },
    paths: ["infra/**", "src/a.ts"],
    priority: 70,
    attempt: 2,
  },
  nowMs: Date.UTC(2026, 6, 21, 22, 30, 15, 250),
  input: {
    task_id: "T12",
    status: "done",
    percent: 99.5,
    artifacts: [{ name: "n", path: ".env" }],
  },
};

describe("a condition", () => {
  it.each([
    ['task.kind == "deploy" && input.status == "done" && task.labels["env"] == "production"', true],
    ['task.labels.env == "production" && task.labels.team != "web"', true],
    ['"go" in agent.capabilities && !("rust" in agent.capabilities)', true],
    ['agent.capabilities.exists(c, c == "sql") && agent.capabilities.all(c, c != "")', true],
    ['agent.capabilities.exists_one(c, c.startsWith("g"))', true],
    ['task.paths.filter(p, p.startsWith("infra/")).size() == 1', true],
    ["task.paths.map(p, p.size()) == [8, 8]", true],
    ['task.paths.map(p, p.endsWith(".ts"), p) == ["src/a.ts"]', true],
    ['input.artifacts.exists(a, a.path.matches("\\\\.env$"))', true],
    ['input.artifacts[0].name == "n" && input.artifacts[0].sha256 == ""', true],
    ["input.percent > 99 && input.percent <= 99.5 && task.priority >= 70.0", true],
    [
      "task.priority + task.attempt * 2 - 1 == 73 && task.priority % 7 == 0 && -task.attempt < 0",
      true,
    ],
    ["task.attempt > 1 ? task.priority > 50 : false", true],
    [
      'tier == "T1" && agent.tier == tier && tool.name == "report_progress" && tool.class == "write"',
      true,
    ],
    [
      'task.title.contains("Dep") && task.title.lowerAscii() == "deploy it" && size(task.title) == 9',
      true,
    ],
    ['task.kind + "/" + task.labels["env"] == "deploy/production"', true],
    [
      'task.labels.size() == 2 && size(task.labels) == 2 && task.labels == {"env": "production", "team": "core"}',
      true,
    ],
    ['string(task.priority) == "70" && int("7") == 7 && double(task.attempt) == 2.0', true],
    ['task.id.split("") == ["T", "1", "2"] && ["a", "b"].join("-") == "a-b"', true],
    ["false && 1 / 0 > 1", false],
    ["1 / 0 > 1 || true", true],
    ['task.kind == "deploy" // && false', true],
    ["\n  task.kind ==\n  'deploy'\n", true],
    ["timestamp(0) < now && timestamp(1784673015) <= now && timestamp(1784673016) > now", true],
    ["{'a': task.kind, 'b': 'x'} == {'b': 'x', 'a': 'deploy'} && size({'a': 1}) == 1", true],
    ["(task.attempt > 1 ? task.paths : agent.capabilities).exists(p, p == 'src/a.ts')", true],
    ["(task.paths + agent.capabilities).exists(p, p == 'sql')", true],
  ])("%s is %s", (source, expected) => {
    expect(holds(source, DEPLOY)).toBe(expected);
  });

  it.each([
    ["has(input.percent) && has(task.labels.env) && has(input.status)", true],
    ["has(input.note) || has(input.retryable) || has(task.labels.none) || has(agent.role)", false],
    ["has(input.blocker.kind)", false],
    ["input.artifacts.all(a, has(a.path) && !has(a.sha256))", true],
    ["has(input.outputs.x)", false],
  ])("tells what is given: %s is %s", (source, expected) => {
    expect(holds(source, DEPLOY)).toBe(expected);
  });

  it("says what it needs and which places it names", () => {
    const { needs, paths } = compileExpression(
      'task.labels["env"] == input.status && task.labels[agent.name] == "" && now > timestamp("2026-01-01T00:00:00Z") && task.paths[0] == "" && input.artifacts.exists(a, a.path == task.id)',
      REPORT,
    );
    expect([...needs]).toEqual(["task", "input", "agent", "now"]);
    expect(paths.map(({ text }) => text)).toEqual([
      'task.labels["env"]',
      "input.status",
      "agent.name",
      "task.labels",
      "now",
      "task.paths[0]",
      "input.artifacts",
      "task.id",
    ]);
  });

  it("looks into lists of records, and their labels", () => {
    const input = {
      tasks: [
        { key: "a", kind: "deploy", labels: { env: "production" }, paths: ["x"] },
        { key: "b" },
      ],
    };
    const deploys = 'input.tasks.exists(t, t.kind == "deploy" && t.labels["env"] == "production")';
    expect(holds(deploys, { input }, PLAN)).toBe(true);
    expect(holds(deploys, { input: { tasks: [{ key: "a" }] } }, PLAN)).toBe(false);
    expect(holds(deploys, {}, PLAN)).toBe(false);
    expect(
      holds(
        'input.tasks.exists(t, t.paths.exists(p, p == "x")) && input.tasks[1].priority == 0',
        { input },
        PLAN,
      ),
    ).toBe(true);
    expect(holds("has(input.tasks) && input.tasks.exists(t, !has(t.kind))", { input }, PLAN)).toBe(
      true,
    );
  });
});

describe("what is absent", () => {
  it.each(CONTEXT_FIELDS.filter(({ path }) => path !== "input"))(
    "$path is its type's default",
    ({ path, type }) => {
      const value = defaultOf(type);
      const wanted =
        type.kind === "timestamp" ? `timestamp("1970-01-01T00:00:00Z")` : JSON.stringify(value);
      expect(holds(`${path} == ${wanted}`)).toBe(true);
      const [root = "", field] = path.split(".");
      if (field !== undefined) {
        expect(holds(`${path} == ${wanted}`, { [root]: { [field]: null } })).toBe(true);
      }
    },
  );

  it("of the arguments too, as deep as they go", () => {
    expect(
      holds(
        'input.note == "" && input.percent == 0.0 && input.fence == 0 && !input.retryable && input.artifacts == [] && input.blocker.blocked_by == "" && !("x" in input.outputs)',
      ),
    ).toBe(true);
  });

  it("the documented places are all there are", () => {
    expect(new Set(CONTEXT_FIELDS.map(({ path }) => path.split(".")[0]))).toEqual(new Set(ROOTS));
    for (const { meaning } of CONTEXT_FIELDS) expect(meaning).toMatch(/\.$|…$/);
  });
});

describe("a key of JavaScript's own objects", () => {
  const keys = [
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "length",
    "size",
    "get",
  ];

  it.each(keys)("%s is an absent key of a map", (key) => {
    const facts = { task: { labels: {} }, input: { outputs: {} } };
    const name = JSON.stringify(key);
    expect(
      holds(
        `task.labels[${name}] == "" && !(${name} in task.labels) && !(${name} in input.outputs)`,
        facts,
      ),
    ).toBe(true);
    const labels = JSON.parse(`{${name}: "mine"}`) as Record<string, string>;
    expect(
      holds(`task.labels[${name}] == "mine" && ${name} in task.labels`, { task: { labels } }),
    ).toBe(true);
    // A map that was made of another's prototype has no keys from there.
    const heir = Object.create({ [key]: "inherited" }) as Record<string, string>;
    expect(holds(`task.labels[${name}] == ""`, { task: { labels: heir } })).toBe(true);
  });

  it.each(["constructor", "toString", "raw", "field", "isGiven"])(
    "%s is no field of a record",
    (name) => {
      expect(problemOf(`task.${name} == ""`)).toContain(`there is no task.${name}`);
      expect(problemOf(`now.${name} == ""`)).toContain(`now is timestamp and has no ${name}`);
      expect(problemOf(`task.title.${name} == ""`)).toContain(
        `task.title is string and has no ${name}`,
      );
      expect(problemOf(`duration("1h").${name} == ""`)).toContain(`is duration and has no ${name}`);
    },
  );

  it("is no fact where a record inherits it", () => {
    const task = Object.create({ kind: "deploy" }) as Facts["task"];
    expect(holds('task.kind == ""', { task })).toBe(true);
    expect(holds("has(task.kind)", { task })).toBe(false);
  });
});

describe("what agents write", () => {
  it("is only data, whatever it looks like", () => {
    const nasty = fc.oneof(
      fc.constantFrom(
        '" || true || "',
        'x" == "x',
        "${tier}",
        "*/ true",
        "when: true",
        "- effect: allow",
        "\\",
        "'",
        '"""',
      ),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(nasty, nasty, (title, label) => {
        const facts = { task: { title, labels: { [label]: title, env: label } } };
        expect(holds('task.title == "never written by anybody"', facts)).toBe(false);
        expect(holds('task.labels["env"] == "production" || task.kind != ""', facts)).toBe(
          label === "production",
        );
        expect(holds('task.title.size() >= 0 && !task.title.matches("^\\\\d{99}$")', facts)).toBe(
          true,
        );
      }),
    );
  });

  it("of another type than it should be is an error, not a surprise", () => {
    expect(() => holds('task.kind == "x"', { task: { kind: 7 as unknown as string } })).toThrow(
      "a fact is number and not string",
    );
    expect(() => holds("task.priority > 1", { task: { priority: 1.5 } })).toThrow(
      "a fact is no whole number",
    );
    expect(() => holds("task.priority > 1", { task: { priority: Number.NaN } })).toThrow(
      "no whole number",
    );
    expect(() =>
      holds('"x" in task.labels', { task: { labels: [] as unknown as Record<string, string> } }),
    ).toThrow("not a map");
    expect(() =>
      holds('"x" in task.needs', { task: { needs: "x" as unknown as string[] } }),
    ).toThrow("not a list");
    expect(() =>
      holds('"x" in task.needs', { task: { needs: [null] as unknown as string[] } }),
    ).not.toThrow();
  });
});

describe("whole numbers", () => {
  it("are exact beyond 2^53", () => {
    const facts = { counts: { calls_1m: 2 ** 53 } };
    expect(holds("counts.calls_1m == 9007199254740992", facts)).toBe(true);
    expect(holds("counts.calls_1m == 9007199254740993", facts)).toBe(false);
    expect(holds("counts.calls_1m + 1 == 9007199254740993", facts)).toBe(true);
    expect(holds("counts.calls_1m < 9223372036854775807", facts)).toBe(true);
  });

  it("do not overflow in silence", () => {
    expect(() =>
      holds("counts.calls_1m + 9223372036854775807 > 0", { counts: { calls_1m: 1 } }),
    ).toThrow("integer overflow");
    expect(() => holds("1 % task.attempt == 0")).toThrow("modulo by zero");
    expect(problemOf("task.priority == 9223372036854775808")).toBe(
      "17: 9223372036854775808 is more than 64 bits hold",
    );
  });
});

describe("time", () => {
  it("is UTC unless a zone is named, whatever zone the process is in", () => {
    expect(
      holds(
        "now.getFullYear() == 2026 && now.getMonth() == 6 && now.getDate() == 21 && now.getDayOfMonth() == 20 && now.getDayOfWeek() == 2 && now.getDayOfYear() == 201 && now.getHours() == 22 && now.getMinutes() == 30 && now.getSeconds() == 15 && now.getMilliseconds() == 250",
        DEPLOY,
      ),
    ).toBe(true);
    expect(
      holds(
        'now.getHours("Europe/Berlin") == 0 && now.getDate("Europe/Berlin") == 22 && now.getDayOfWeek("Europe/Berlin") == 3 && now.getMilliseconds("Europe/Berlin") == 250 && now.getHours("America/New_York") == 18 && now.getMinutes("Asia/Kolkata") == 0',
        DEPLOY,
      ),
    ).toBe(true);
  });

  it.each(["UTC", "America/Los_Angeles", "Pacific/Apia"])(
    "is the same in a process whose zone is %s",
    (zone) => {
      vi.stubEnv("TZ", zone);
      const facts = {
        nowMs: Date.parse("2026-03-08T10:30:00Z"),
        input: { note: "2026-03-08T02:30:00Z" },
      };
      const source =
        'now.getHours() == 10 && now.getHours("America/New_York") == 6 && now.getDayOfYear() == 66 && timestamp(input.note).getHours("America/Los_Angeles") == 18';
      expect(holds(source, facts)).toBe(true);
      vi.unstubAllEnvs();
    },
  );

  it.each([
    ["2026-03-29T00:59:59Z", 1],
    ["2026-03-29T01:00:00Z", 3],
    ["2026-10-25T00:30:00Z", 2],
    ["2026-10-25T01:30:00Z", 2],
  ])("%s is %i o'clock in Berlin", (text, hour) => {
    expect(holds(`now.getHours("Europe/Berlin") == ${hour}`, { nowMs: Date.parse(text) })).toBe(
      true,
    );
  });

  it("adds and compares", () => {
    expect(
      holds(
        'now - timestamp("2026-07-21T21:30:15.250Z") == duration("1h") && now + duration("30m") > timestamp("2026-07-22T00:00:00+02:00") && (now - timestamp("2026-07-21T00:00:00Z")).getHours() == 22 && (now - duration("23h")).getDate() == 20 && duration("90m").getMinutes() == 90',
        DEPLOY,
      ),
    ).toBe(true);
  });

  it("that is no ISO 8601 is an error", () => {
    const facts = { input: { note: "January 1, 2026 10:00:00" } };
    expect(() => holds("timestamp(input.note) < now", facts)).toThrow("is no ISO 8601 time");
    expect(
      holds("timestamp(input.note) < now", { nowMs: 1, input: { note: "1969-01-01T00:00:00Z" } }),
    ).toBe(true);
    for (const text of [
      "2026-02-30T00:00:00Z",
      "2026-01-01",
      "2026-01-01T00:00:00",
      "2026-13-01T00:00:00Z",
      "2026-01-01T25:00:00Z",
    ]) {
      expect(problemOf(`timestamp("${text}") < now`)).toContain(`10: "${text}" is no time`);
    }
  });
});

describe("a wrong condition", () => {
  it.each([
    ['task.label["x"] == ""', "5: there is no task.label; did you mean task.labels?"],
    ['labels["x"] == ""', "0: there is no labels; did you mean task.labels?"],
    ['tsk.kind == "x"', "0: there is no tsk; did you mean task?"],
    ['zebra == "x"', "0: there is no zebra"],
    ['task.zebra == "x"', "5: there is no task.zebra; it has id, title, kind"],
    ['true && task.knid == "x"', "13: there is no task.knid; did you mean task.kind?"],
    ['input.stauts == "x"', "6: there is no input.stauts; did you mean input.status?"],
    [
      'input.blocker.knd == "x"',
      "14: there is no input.blocker.knd; did you mean input.blocker.kind?",
    ],
    ["input.artifacts.exists(a, a.pth == task.id)", "28: there is no a.pth; did you mean a.path?"],
    ["task == task", "0: task == task does not go together"],
    ['task["kind"] == "x"', "0: task has fields: write task.name"],
    ['task.title["x"] == "y"', "0: task.title is string, so it has no [ ]"],
    ['task.labels[5] == ""', "12: the key is int and not string"],
    ['task.paths["x"] == ""', "11: the index is string and not int"],
    ['input.outputs["x"] == "y"', '0: input.outputs["x"] can hold any JSON'],
    ['{"a": "b"}["a"] == "b"', '0: {"a": "b"} is no record, so it has no [ ]'],
    ["foo(1)", "0: there is no function foo()"],
    ["siz(task.paths) > 1", "0: there is no function siz(); did you mean size?"],
    ["dyn(1) == 1", "0: there is no function dyn()"],
    ["type(task.kind) == string", "0: there is no function type()"],
    ["task.title.startWith('x')", "10: there is no method startWith(); did you mean startsWith?"],
    ["cel.bind(x, 1, x > 0)", "3: there is no method bind()"],
    ["task.title.contains(5)", "0: found no matching overload for 'string.contains(int)'"],
    ["task.title.contains()", "0: found no matching overload for 'string.contains()'"],
    ["task.title", "0: is string; a condition is true or false"],
    ["task.priority", "0: is int; a condition is true or false"],
    ["task", "0: is task; a condition is true or false"],
    ["task.title == 5", "0: string == int does not go together"],
    ["true && task.title == 5", "8: string == int does not go together"],
    ["input.percent == 50", "0: double == int does not go together; write 2.0"],
    ["task.title + 5 == ''", "0: string + int does not go together"],
    ["!task.title", "0: !string does not go together"],
    ["task.title || true", "0: Logical operator requires bool operands, got 'string'"],
    ["task.attempt ? true : false", "5: Ternary condition must be bool, got 'int'"],
    ["task.holder == null", "15: nothing is ever null"],
    ["1u > 0", "0: bytes and unsigned numbers are not known here"],
    ['b"x" == b"x"', "0: bytes and unsigned"],
    ['["a", 1] == []', "6: List elements must have the same type"],
    ["has(task)", "0: has() takes a field"],
    ["has(task.labels['x'])", "0: has() takes a field"],
    ["has(task.knd)", "9: there is no task.knd; did you mean task.kind?"],
    ["has()", "0: has() takes a field"],
    ['input.status == "dne"', '16: input.status is never "dne"; did you mean done?'],
    ['"finished" == input.status', '0: input.status is never "finished"; it is working, blocked'],
    [
      'input.status in ["done", "fialed"]',
      '25: input.status is never "fialed"; did you mean failed?',
    ],
    ['tier != "T3"', '8: tier is never "T3"; did you mean T0?'],
    ['task.state == "Done"', '14: task.state is never "Done"; did you mean done?'],
    [
      'tool.name == "report_progres"',
      '13: tool.name is never "report_progres"; did you mean report_progress?',
    ],
    ['task.title.matches("(a+)+")', "19: the pattern repeats what is repeated already"],
    ['task.title.matches("[a-")', "19: the pattern ends too early"],
    ["task.title.matches(task.kind)", "19: matches() takes a pattern in quotes"],
    ["task.title.matches()", "0: matches() takes a pattern in quotes"],
    [`task.title.matches("${"a".repeat(201)}")`, "19: the pattern is longer than 200 characters"],
    [
      'now.getHours("Europe/Berln") > 1',
      '13: getHours() takes a time zone in quotes, and "Europe/Berln" is none; did you mean Europe/Berlin?',
    ],
    ["now.getHours(task.kind) > 1", "13: getHours() takes a time zone in quotes"],
    ['duration("1 day") > duration("1h")', '9: "1 day" is no duration such as "90m"'],
    ["task.labels.exists(k, k == 'x')", "0: exists() goes through a list; this is map of string"],
    ["task.title.exists(k, k == 'x')", "0: exists() goes through a list; this is string"],
    [
      "task.title.split(',').exists(k, k == 'x')",
      "0: exists() goes through a list whose length is bounded",
    ],
    ["task.paths.exists(p)", '10: exists() is written task.paths.exists(p, p.startsWith("src/"))'],
    ["task.paths.exists(task, true)", "18: the name task is taken"],
    ["task.paths.exists(p, task.needs.exists(p, true))", "39: the name p is taken"],
    [
      "task.paths.exists(p, p)",
      "21: exists(var, predicate) predicate must return bool, got 'string'",
    ],
    ["task.paths.exists(1, true)", "exists(var, predicate) invalid predicate iteration variable"],
    ["", "0: Unexpected token: EOF"],
    ["   ", "3: Unexpected token: EOF"],
    ["task.kind ==", "12: Unexpected token: EOF"],
    ["task.kind = 'x'", '10: unexpected "=" (U+003D)'],
    ["task.kind == 'x' task", '17: unexpected "k" (U+006B)'],
    ["tаsk.kind == 'x'", '1: unexpected "а" (U+0430)'],
    ["task.kind == “x”", '13: unexpected "“" (U+201C)'],
    ["task.kind == 'x", "13: Unterminated string"],
    ["task.kind == '\\ud800'", "14: Invalid Unicode surrogate"],
    ["for == 1", "0: Reserved identifier: for"],
    ["task.?kind == ''", "5: Expected IDENTIFIER"],
  ])("%s is refused", (source, problem) => {
    expect(problemOf(source)).toContain(problem);
  });
});

/** So many rows of 500,000 iterations. */
function loops(count: number): string {
  const loop = "input.tasks.all(t,agent.capabilities.all(c,true))";
  return Array.from({ length: count }, () => loop).join("&&");
}

describe("a bomb", () => {
  it.each([
    ["2,001 characters", `true ${" ".repeat(1996)}`, "2000: is longer than 2000 characters"],
    [
      "501 parts",
      Array.from({ length: 251 }, () => "1==1")
        .join("&&")
        .slice(0, 1999),
      "has more than 500 parts",
    ],
    [
      "a long list",
      `task.priority in [${Array.from({ length: 201 }, () => "1").join(",")}]`,
      "has too many items in one place",
    ],
    ["33 brackets", `${"(".repeat(33)}true${")".repeat(33)}`, "is nested more than 32 deep"],
    ["33 negations", `${"!".repeat(33)}true`, "is nested more than 32 deep"],
    ["2,000 negations", "!".repeat(1996) + "true", "has more than 500 parts"],
    ["33 minuses", `1 > ${"-".repeat(33)}1`, "is nested more than 32 deep"],
    ["33 choices", `${"true?".repeat(33)}true${":true".repeat(33)}`, "is nested more than 32 deep"],
    ["33 lists", `[] == ${"[".repeat(33)}${"]".repeat(33)}`, "is nested more than 32 deep"],
    ["33 comparisons", `true${" == true".repeat(33)}`, "is nested more than 32 deep"],
    [
      "lists by lists",
      "input.tasks.exists(t, input.tasks.exists(u, u.key == t.key))",
      "goes through lists of up to 100010000 items",
    ],
    [
      "three loops",
      "agent.capabilities.exists(a, agent.capabilities.exists(b, agent.capabilities.exists(c, a == b)))",
      "exists() stands within two others",
    ],
  ])("of %s is refused", (_, source, problem) => {
    expect(problemOf(source, PLAN)).toContain(problem);
  });

  it("is not what a person writes: long rows, loops in a task's own lists", () => {
    const row = Array.from({ length: 60 }, (_, i) => `task.kind == "kind-${i}"`).join(" || ");
    expect(problemOf(row)).toBe("");
    expect(holds(row, { task: { kind: "kind-59" } })).toBe(true);
    const sum = Array.from({ length: 100 }, () => "1").join(" + ");
    expect(holds(`${sum} == 100`)).toBe(true);
    expect(
      problemOf('input.tasks.exists(t, t.paths.exists(p, p.startsWith("infra/")))', PLAN),
    ).toBe("");
    expect(
      problemOf("input.tasks.exists(t, agent.capabilities.exists(c, c in t.needs))", PLAN),
    ).toBe("");
  });

  it("of loops is counted together", () => {
    expect(problemOf(loops(1), PLAN)).toBe("");
    expect(problemOf(loops(2), PLAN)).toContain("items in all; at most 1000000");
  });
});

describe("any text", () => {
  it("is compiled or refused with a place in it", () => {
    const token = fc.constantFrom(
      ...Array.from("()[]{}.,?:!<>=&|+-*/%\"'"),

      "task",
      "input",
      "kind",
      "labels",
      "status",
      "exists",
      "has",
      "x",
      "1",
      "2.5",
      '"a"',
      "in",
      "==",
      "&&",
      "||",
      " ",
      "true",
      "null",
      "now",
      "matches",
      "getHours",
      "\n",
      "//",
    );
    const source = fc.oneof(
      fc.array(token, { maxLength: 25 }).map((parts) => parts.join("")),
      fc.string({ unit: "binary", maxLength: 40 }),
    );
    fc.assert(
      fc.property(source, (text) => {
        const problem = problemOf(text);
        if (problem === "") return;
        const offset = Number.parseInt(problem, 10);
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(offset).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("the documented examples", () => {
  const usages = [FUNCTIONS, METHODS, MACROS].flatMap((table) =>
    [...table.values()].map(({ usage }) => usage),
  );

  it.each(usages)("%s is understood", (usage) => {
    // What is no condition by itself is one when compared with itself.
    expect([problemOf(usage), problemOf(`${usage} == ${usage}`)]).toContain("");
  });
});

it("arguments of any shape that a schema can have are read without a surprise", () => {
  const fields = fieldTypesOf({
    type: "object",
    properties: {
      counts: { type: "object", additionalProperties: { type: "integer" } },
      lists: {
        type: "object",
        additionalProperties: { type: "array", items: { type: "string" }, maxItems: 3 },
      },
      records: {
        type: "object",
        additionalProperties: { type: "object", properties: { a: { type: "string" } } },
      },
      matrix: {
        type: "array",
        maxItems: 3,
        items: { type: "array", maxItems: 3, items: { type: "number" } },
      },
    },
  });
  const environment = createEnvironment(fields, NAMES);
  const input = {
    counts: { a: 2 },
    lists: { a: ["x"] },
    records: { a: { a: "y" } },
    matrix: [[0.5]],
  };
  const all =
    'input.counts["a"] == 2 && input.counts["b"] == 0 && input.lists["a"].exists(x, x == "x") && input.lists["b"] == [] && input.records["a"].a == "y" && input.records["b"].a == "" && input.matrix.exists(row, row.exists(n, n == 0.5))';
  expect(holds(all, { input }, environment)).toBe(true);
});
