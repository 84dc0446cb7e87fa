/** Scopes as the engine names them: "all", "project", "agent:NAME". */

/** At the beginning of a sentence. */
export function scopeWords(scope: string): string {
  if (scope === "all") return "Everything of yours";
  return scope === "project" ? "The project" : scope.replace(/^agent:/, "");
}

/** What a person types to end a stop. */
export function resumeCommand(scope: string): string {
  if (scope === "all") return "guvnor resume --all";
  return scope === "project"
    ? "guvnor resume"
    : `guvnor resume --agent ${scope.replace(/^agent:/, "")}`;
}
