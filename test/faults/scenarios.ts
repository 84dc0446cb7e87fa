import { type FaultWorld, gitIn, makeProject, openWorld } from "./fault-world.ts";
import { createFileGit } from "./file-git.ts";

const GATED = "version: 1\ngates: { tests: { run: [npm, test] } }\n";
const UNGATED = "version: 1\n";
const TASKS = ["T1", "T2", "T3"] as const;

/** An operation that is stopped at each of its statements. T2 comes after T1; T3 is by itself. */
export interface Scenario {
  readonly name: string;
  readonly guvnorYaml: string;
  readonly integrate: boolean;
  /** What ada has done before, statements that are not counted. */
  readonly before: (ada: FaultWorld) => Promise<void>;
  /** Transactions that the operation is made of: what is one must not fall apart. */
  readonly commits: number;
  /** The operation. */
  readonly operate: (ada: FaultWorld) => Promise<void>;
  readonly verdict?: "pass" | "fail";
}

const DONE = { task_id: "T1", status: "done" } as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "a plan",
    commits: 1,
    guvnorYaml: UNGATED,
    integrate: false,
    before: async () => {},
    operate: async (ada) => {
      const tasks = [
        { key: "x", title: "X" },
        { key: "y", title: "Y", after: ["x", "T1"] },
      ];
      await ada.ok("submit_plan", { title: "More", tasks, request_id: "plan-1" });
    },
  },
  {
    name: "a first call that claims",
    commits: 1,
    guvnorYaml: UNGATED,
    integrate: false,
    before: async () => {},
    operate: async (ada) => void (await ada.ok("request_task", { request_id: "first-1" })),
  },
  {
    name: "a claim",
    commits: 1,
    guvnorYaml: UNGATED,
    integrate: false,
    before: async (ada) => void (await ada.ok("register_agent", { name: "ada" })),
    operate: async (ada) => void (await ada.ok("request_task")),
  },
  {
    name: "a done without gates",
    commits: 1,
    guvnorYaml: UNGATED,
    integrate: false,
    before: async (ada) => void (await ada.ok("request_task")),
    operate: async (ada) => void (await ada.ok("report_progress", DONE)),
  },
  {
    name: "a done with a gate, queued, measured and finished",
    commits: 3,
    guvnorYaml: GATED,
    integrate: false,
    before: async (ada) => void (await ada.ok("request_task")),
    operate: async (ada) => {
      await ada.ok("report_progress", DONE);
      await ada.measure();
    },
  },
  {
    name: "a done that its gate sends back",
    commits: 3,
    guvnorYaml: GATED,
    integrate: false,
    verdict: "fail",
    before: async (ada) => void (await ada.ok("request_task")),
    operate: async (ada) => {
      await ada.ok("report_progress", DONE);
      await ada.measure();
    },
  },
  {
    name: "a merge into the plan's branch",
    commits: 3,
    guvnorYaml: GATED,
    integrate: true,
    before: async (ada) => {
      // T3 is in the branch already, so that T1 needs a merge commit.
      for (const taskId of ["T3", "T1"]) {
        await ada.ok("request_task", { task_id: taskId });
        await ada.ok("report_progress", { task_id: taskId, status: "done", commit: taskId });
        await ada.measure();
        if (taskId === "T3") await ada.measure();
      }
    },
    operate: async (ada) => void (await ada.measure()),
  },
  {
    name: "a task given back",
    commits: 1,
    guvnorYaml: UNGATED,
    integrate: false,
    before: async (ada) => void (await ada.ok("request_task")),
    operate: async (ada) =>
      void (await ada.ok("report_progress", { task_id: "T1", status: "released" })),
  },
  {
    name: "a message to all",
    commits: 1,
    guvnorYaml: UNGATED,
    integrate: false,
    before: async (ada) => void (await ada.ok("register_agent", { name: "ada" })),
    operate: async (ada) => {
      await ada.ok("send_message", { to: "#all", body: "Begin.", request_id: "message-1" });
    },
  },
];

export function scenarioNamed(name: string | undefined): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`there is no scenario ${name}`);
  return found;
}

/** Makes the files of a directory as they are when the operation begins. */
export async function prepare(directory: string, scenario: Scenario): Promise<void> {
  createFileGit(gitIn(directory), TASKS);
  const lead = await openWorld(directory, { name: "lead" });
  await makeProject(lead, scenario.guvnorYaml);
  await lead.ok("submit_plan", {
    title: "Work",
    integrate: scenario.integrate,
    tasks: [
      { key: "one", title: "One" },
      { key: "two", title: "Two", after: ["one"] },
      { key: "three", title: "Three" },
    ],
  });
  await lead.end();
  const ada = await openWorld(directory, { name: "ada" });
  await scenario.before(ada);
  await ada.abandon();
}
