import { checkPolicyTool } from "./check-policy.ts";
import type { Toolset, ToolDefinition } from "./define-tool.ts";
import { getStatusTool } from "./get-status.ts";
import { openTopicTool } from "./open-topic.ts";
import { proposeSolutionTool } from "./propose-solution.ts";
import { readBoardTool } from "./read-board.ts";
import { readMessagesTool } from "./read-messages.ts";
import { registerAgentTool } from "./register-agent.ts";
import { reportProgressTool } from "./report-progress.ts";
import { requestEscalationTool } from "./request-escalation.ts";
import { requestTaskTool } from "./request-task.ts";
import { sendMessageTool } from "./send-message.ts";
import { startPipelineTool } from "./start-pipeline.ts";
import { submitPlanTool } from "./submit-plan.ts";
import { voteTool } from "./vote.ts";

/** Every tool there is, in the order in which clients see them. */
export const TOOLS: readonly ToolDefinition[] = [
  registerAgentTool,
  requestTaskTool,
  reportProgressTool,
  submitPlanTool,
  openTopicTool,
  proposeSolutionTool,
  voteTool,
  readBoardTool,
  requestEscalationTool,
  getStatusTool,
  checkPolicyTool,
  sendMessageTool,
  readMessagesTool,
  startPipelineTool,
];

/** Those that clients see: the sets that are switched on. */
export function toolsOf(toolsets: readonly Toolset[]): readonly ToolDefinition[] {
  return TOOLS.filter(({ toolset }) => toolsets.includes(toolset));
}
