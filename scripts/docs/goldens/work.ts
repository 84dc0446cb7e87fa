import { type Stage, WORK_COMMIT } from "./stage.ts";

/** Registering, planning and claiming. */
export async function playWork(stage: Stage): Promise<void> {
  await register(stage);
  await plan(stage);
  await claim(stage);
}

async function register({ show, refused, quietly }: Stage): Promise<void> {
  await show("ada", "register_agent", "a new agent", {
    name: "ada",
    role: "builder",
    capabilities: ["typescript", "tests"],
    worktree: "/trees/ada",
  });
  await quietly("ben", "register_agent", { name: "ben", capabilities: ["docs", "typescript"] });
  await quietly("cleo", "register_agent", { name: "cleo" });
  await refused("cleo", "register_agent", "a name that is none", { name: "Cleo the Third" });
}

async function plan({ show, refused }: Stage): Promise<void> {
  const parser = { key: "parser", title: "Write the parser", needs: ["typescript"], priority: 60 };
  const tests = { key: "parser-tests", title: "Test the parser", needs: ["typescript"] };
  const asked = {
    title: "A parser with its guide",
    integrate: true,
    tasks: [
      { ...parser, body: "As docs/grammar.md says.", paths: ["src/parser.ts"] },
      { ...tests, after: ["parser"], estimate_minutes: 45 },
      { key: "guide", title: "Write the guide", needs: ["docs"], outputs_wanted: ["summary"] },
    ],
  };
  await show("ada", "submit_plan", "a dry run", { ...asked, dry_run: true });
  await show("ada", "submit_plan", "submitted", asked);
  await refused("ada", "submit_plan", "a cycle", {
    title: "Hen and egg",
    tasks: [
      { key: "hen", title: "Hatch a hen", after: ["egg"] },
      { key: "egg", title: "Lay an egg", after: ["hen"] },
    ],
  });
  await refused("ada", "submit_plan", "a gate that is not in force", {
    title: "Fast",
    tasks: [{ key: "speed", title: "Be fast", gates: ["bench"] }],
  });
  await refused("ada", "submit_plan", "no gates at all", {
    title: "Unmeasured",
    tasks: [{ key: "trust", title: "Trust me", gates: [] }],
  });
}

async function claim({ fleet, show, refused }: Stage): Promise<void> {
  await fleet.advance(60_000);
  await show("ada", "request_task", "granted", { wait_seconds: 25 });
  await show("ada", "request_task", "the task that it holds already", {});
  await show("ben", "request_task", "granted by id", { task_id: "T3" });
  await show("cleo", "request_task", "nothing is ready", { capabilities: ["typescript"] });
  await refused("ben", "request_task", "a task that is not ready", { task_id: "T2" });
  await refused("ben", "request_task", "a task that is not there", { task_id: "T99" });
  await show("ada", "submit_plan", "added to a plan", {
    plan_id: "P1",
    tasks: [{ key: "sign", title: "Sign the release", needs: ["signing"] }],
  });
  await show("cleo", "request_task", "no capability", {});
  await refused("ben", "request_task", "a task that needs more", { task_id: "T4" });
}

/** Reports, from the first word to every end that a task can have. */
export async function playReports(stage: Stage): Promise<void> {
  await deliver(stage);
  await giveUp(stage);
  await loseLease(stage);
}

async function deliver({ fleet, git, show, refused, showWaiting }: Stage): Promise<void> {
  const report = "report_progress";
  await show("ada", report, "working", {
    task_id: "T1",
    status: "working",
    percent: 40,
    note: "The tokens are done.",
  });
  git.uncommitted = ["src/parser.ts"];
  await show("ada", report, "done, but not committed", { task_id: "T1", status: "done" });
  git.uncommitted = [];
  await refused("ada", report, "a commit that is not there", {
    task_id: "T1",
    status: "done",
    commit: "feature/elsewhere",
  });
  fleet.gates.verdicts.set("tests", "fail");
  await showWaiting(
    "ada",
    {
      tool: report,
      outcome: "done, and a gate fails",
      args: { task_id: "T1", status: "done", wait_seconds: 25 },
    },
    async () => await fleet.measureAll("ada"),
  );
  fleet.gates.verdicts.set("tests", "pass");
  await show("ada", report, "done, being measured", {
    task_id: "T1",
    status: "done",
    commit: WORK_COMMIT.slice(0, 12),
  });
  await refused("ada", report, "in review already", { task_id: "T1", status: "working" });
  await fleet.measureAll("ada");
  await show("ada", "get_status", "a task", { scope: "task", id: "T1" });
}

async function giveUp({ fleet, show, refused, quietly }: Stage): Promise<void> {
  const report = "report_progress";
  await show("ben", report, "done, but an output is missing", { task_id: "T3", status: "done" });
  await show("ben", report, "blocked", {
    task_id: "T3",
    status: "blocked",
    blocker: { kind: "question", text: "For whom is the guide?" },
  });
  await show("ben", report, "working again", { task_id: "T3", status: "working" });
  await show("ben", report, "failed, to be tried again", {
    task_id: "T3",
    status: "failed",
    note: "The grammar is not written down anywhere.",
  });
  await fleet.advance(60_000);
  await quietly("ben", "request_task", { task_id: "T3" });
  await show("ben", report, "released", { task_id: "T3", status: "released" });
  await quietly("ben", "request_task", { task_id: "T3" });
  await show("ben", report, "failed for good", {
    task_id: "T3",
    status: "failed",
    retryable: false,
    note: "There is no grammar.",
  });
  await refused("cleo", report, "somebody else's task", { task_id: "T3", status: "done" });
}

async function loseLease(stage: Stage): Promise<void> {
  const { fleet, show, refused, quietly, showWaiting } = stage;
  const report = "report_progress";
  await quietly("ben", "request_task", { task_id: "T2" });
  fleet.kill("ben");
  await quietly("ada", "request_task", {});
  await refused("ben", report, "a lease that is over", {
    task_id: "T2",
    fence: 1,
    status: "done",
  });
  await showWaiting(
    "ada",
    {
      tool: report,
      outcome: "done and verified",
      args: { task_id: "T2", status: "done", wait_seconds: 25 },
    },
    async () => await fleet.measureAll("ada"),
  );
  const extra = { key: "clean", title: "Clean up", needs: ["typescript"] };
  await quietly("ada", "submit_plan", { plan_id: "P1", tasks: [extra] });
  await quietly("ada", "request_task", {});
  await fleet.asPerson("tasks_cancel", { task_id: "T5", reason: "It is clean." });
  await refused("ada", report, "a task that was cancelled", { task_id: "T5", status: "working" });
  await show("ada", "get_status", "me, with what waits", { scope: "me" });
  for (const id of ["T3", "T4"]) {
    await fleet.asPerson("tasks_reopen", { task_id: id, reason: "to end it" });
    await fleet.asPerson("tasks_cancel", { task_id: id, reason: "Not this month." });
  }
  await show("ada", "request_task", "nothing is left", {});
}
