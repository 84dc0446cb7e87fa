// Two agents, two patches, one decision: see README.md beside this file.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HERE = import.meta.dirname;
const GUVNOR = process.env.GUVNOR_MAIN ?? join(HERE, "../../dist/cli/main.js");
const AUTHOR = ["-c", "user.name=example", "-c", "user.email=example@localhost"];

const withGamma = !process.argv.includes("--without-gamma");
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "guvnor-pipeline-")));
const project = join(scratch, "project");
// A key of its own: the person of this example is not you.
const env = {
  ...process.env,
  XDG_CONFIG_HOME: join(scratch, "config"),
  XDG_CACHE_HOME: join(scratch, "cache"),
  GIT_AUTHOR_NAME: "example",
  GIT_AUTHOR_EMAIL: "example@localhost",
  GIT_COMMITTER_NAME: "example",
  GIT_COMMITTER_EMAIL: "example@localhost",
};
const agents = [];

try {
  process.exitCode = await tell();
} finally {
  for (const agent of agents) agent.kill();
  rmSync(scratch, { recursive: true, force: true });
}

async function tell() {
  makeProject();
  startAgent("ada", "repair", "in-place.patch");
  startAgent("ben", "design", "named-rules.patch");
  if (withGamma) startAgent("gus", "mediation", "");
  const objective = "Make total() keep what its comment says, so that the tests pass.";
  const first = await guvnor("pipeline", "run", "--objective", objective, "--wait");
  if (withGamma) return first === 0 ? finish() : first;
  if (first !== 2) return 1;
  console.log("\nNobody gave way: exit code 2. A person has it done again.\n");
  const reason = "Read why it failed, and let the better one win.";
  const again = ["rerun_same", "--reason", reason, "--wait"];
  const second = await guvnor("pipeline", "fallback", "L1", ...again);
  return second === 0 ? finish() : second;
}

function makeProject() {
  mkdirSync(project);
  cpSync(join(HERE, "project"), project, { recursive: true });
  git("init", "--quiet", "--initial-branch", "main");
  git("add", "--all");
  git(...AUTHOR, "commit", "--quiet", "--message", "The shop as it is");
  execFileSync(process.execPath, [GUVNOR, "init"], { cwd: project, env, stdio: "ignore" });
}

function startAgent(name, capability, patch) {
  const worktree = join(scratch, name);
  git("worktree", "add", "--quiet", "--detach", worktree, "main");
  const file = patch === "" ? "" : join(HERE, "patches", patch);
  const args = [join(HERE, "agent.mjs"), name, capability, file, GUVNOR, worktree];
  agents.push(spawn(process.execPath, args, { env, stdio: ["pipe", "ignore", "inherit"] }));
}

/** As a person would type it. @returns Its exit code. */
async function guvnor(...args) {
  console.log(`$ guvnor ${args.map((arg) => (arg.includes(" ") ? `"${arg}"` : arg)).join(" ")}`);
  const child = spawn(process.execPath, [GUVNOR, ...args], { cwd: project, env, stdio: "inherit" });
  return await new Promise((resolve) => child.on("close", resolve));
}

function finish() {
  execFileSync(process.execPath, [GUVNOR, "audit", "verify"], { cwd: project, env });
  console.log("\nThe ledger verifies.");
  return 0;
}

function git(...args) {
  execFileSync("git", args, { cwd: project, env, stdio: ["ignore", "ignore", "inherit"] });
}
