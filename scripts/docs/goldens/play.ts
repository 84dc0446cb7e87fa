import { playBoard } from "./board.ts";
import { playMessages } from "./messages.ts";
import { playPeople } from "./people.ts";
import { playPipelines } from "./pipelines.ts";
import { playRules } from "./rules.ts";
import { createStage, type Golden } from "./stage.ts";
import { playReports, playWork } from "./work.ts";

/** Runs the one fixed story and answers what every call in it was answered. */
export async function playGoldens(): Promise<readonly Golden[]> {
  const stage = await createStage();
  try {
    await playWork(stage);
    await playReports(stage);
    await playBoard(stage);
    await playPeople(stage);
    await playMessages(stage);
    await playPipelines(stage);
    await playRules(stage);
    return stage.goldens();
  } finally {
    await stage.fleet.close();
  }
}
