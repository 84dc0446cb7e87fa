import { cliPage } from "./cli-page.ts";
import { errorsPage } from "./errors-page.ts";
import { playGoldens } from "./goldens/play.ts";
import { settingsPage } from "./settings-page.ts";
import { tasksPage } from "./tasks-page.ts";
import { toolsPage } from "./tools-page.ts";

/** Every page that is written by the script, by its path in the repository. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["docs/cli.md", cliPage()],
    ["docs/errors.md", errorsPage()],
    ["docs/settings.md", settingsPage()],
    ["docs/tasks.md", tasksPage()],
    ["docs/tools.md", toolsPage(await playGoldens())],
  ]);
}
