import type { CallAnswer, JsonObject } from "../../../src/engine/call.ts";
import { agentOperations } from "../../../src/engine/person/agent-operations.ts";
import { auditOperations } from "../../../src/engine/person/audit-operations.ts";
import { boardOperations } from "../../../src/engine/person/board-operations.ts";
import { escalationOperations } from "../../../src/engine/person/escalation-operations.ts";
import { messageOperations } from "../../../src/engine/person/message-operations.ts";
import { policyOperations } from "../../../src/engine/person/policy-operations.ts";
import { stopOperations } from "../../../src/engine/person/stop-operations.ts";
import { taskOperations } from "../../../src/engine/person/task-operations.ts";
import type { GitPort } from "../../../src/engine/ports.ts";
import { TOOLS } from "../../../src/tools/index.ts";
import { bodyOf, createFleet, type Fleet } from "../../../test/support/engine-harness.ts";

/** What one call of one tool was answered. */
export interface Golden {
  readonly tool: string;
  /** Names the outcome in a few words; unique for its tool. */
  readonly outcome: string;
  readonly args: object;
  readonly answer: JsonObject;
  readonly refused: boolean;
}

/** A fleet whose answers are kept; nothing in it depends on the machine or the day. */
export interface Stage {
  readonly fleet: Fleet;
  readonly git: GitDouble;
  /** A call that succeeds and is kept. */
  readonly show: (
    agent: string,
    tool: string,
    outcome: string,
    args: object,
  ) => Promise<JsonObject>;
  /** A call that is refused and kept. */
  readonly refused: (agent: string, tool: string, outcome: string, args: object) => Promise<void>;
  /** A waiting call: `meanwhile` happens while it waits; the answer is kept. */
  readonly showWaiting: (
    agent: string,
    call: { readonly tool: string; readonly outcome: string; readonly args: object },
    meanwhile: () => Promise<unknown>,
  ) => Promise<JsonObject>;
  /** A call that succeeds and is not worth keeping. */
  readonly quietly: (agent: string, tool: string, args?: object) => Promise<JsonObject>;
  readonly goldens: () => readonly Golden[];
}

export const STORY_SETTINGS = `version: 1
gates:
  tests: { run: [npm, test], timeout: 10m, protected: ["package.json", "test/**"] }
  lint: { run: [npm, run, lint] }
`;

/** A repository in which only names change. */
interface GitDouble {
  /** Uncommitted paths that every worktree shows. */
  uncommitted: readonly string[];
}

/** Stands for a commit: forty times the same digit. */
function commitId(digit: string): string {
  return digit.repeat(40);
}

const BASE_COMMIT = commitId("a");
export const WORK_COMMIT = commitId("b");
const MERGE_COMMIT = commitId("c");

function gitPort(state: GitDouble): GitPort {
  const refs = new Map<string, string>();
  return {
    workingTree: () =>
      Promise.resolve({
        head: WORK_COMMIT,
        branch: undefined,
        uncommitted: state.uncommitted,
      }),
    resolveCommit: (revision) => {
      const known = [BASE_COMMIT, WORK_COMMIT];
      return Promise.resolve(
        revision === "HEAD" ? BASE_COMMIT : known.find((id) => id.startsWith(revision)),
      );
    },
    changedFiles: () => Promise.resolve([]),
    merge: () => Promise.resolve({ kind: "merged", commit: MERGE_COMMIT }),
    advanceRef: (ref, commit) => {
      refs.set(ref, commit);
      return Promise.resolve(true);
    },
    lastChangeMs: async () => undefined,
    filesIn: (_, paths) => Promise.resolve(paths),
    readFile: () => Promise.resolve(undefined),
    readRef: (ref) => Promise.resolve(refs.get(ref)),
  };
}

export async function createStage(): Promise<Stage> {
  const fleet = await createFleet({
    operations: [
      ...TOOLS,
      ...taskOperations,
      ...policyOperations,
      ...auditOperations,
      ...boardOperations,
      ...escalationOperations,
      ...messageOperations,
      ...agentOperations,
      ...stopOperations,
    ],
    guvnorYaml: STORY_SETTINGS,
    settings: { directory: "/trees/app" },
  });
  const git: GitDouble = { uncommitted: [] };
  const port = gitPort(git);
  const goldens: Golden[] = [];
  const call = async (agent: string, tool: string, args: object): Promise<CallAnswer> => {
    // The harness works outside git; here every process sees the same repository.
    Object.assign(fleet.deps(agent), { git: port });
    return await fleet.call(agent, tool, args);
  };
  const keep = (tool: string, outcome: string, args: object, answer: CallAnswer): JsonObject => {
    goldens.push({ tool, outcome, args, answer: answer.body, refused: answer.isError });
    return answer.body;
  };
  return {
    fleet,
    git,
    show: async (agent, tool, outcome, args) => {
      const answer = await call(agent, tool, args);
      bodyOf(answer);
      return keep(tool, outcome, args, answer);
    },
    refused: async (agent, tool, outcome, args) => {
      const answer = await call(agent, tool, args);
      if (!answer.isError) throw new Error(`${tool} was not refused: ${outcome}`);
      keep(tool, outcome, args, answer);
    },
    showWaiting: async (agent, { tool, outcome, args }, meanwhile) => {
      const waiting = call(agent, tool, args);
      await fleet.advance(0);
      await meanwhile();
      await fleet.advance(1000);
      const answer = await waiting;
      bodyOf(answer);
      return keep(tool, outcome, args, answer);
    },
    quietly: async (agent, tool, args = {}) => bodyOf(await call(agent, tool, args)),
    goldens: () => goldens,
  };
}
