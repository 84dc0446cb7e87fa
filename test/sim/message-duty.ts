import { field, ask, type SimAgent } from "./agent.ts";

const CHANNELS = ["#build", "#docs"];
const MAX_POSTS = 40;

/** Says something now and then, reads what was said, and acknowledges it or dies before. */
export async function talk(agent: SimAgent): Promise<void> {
  const { machine } = agent;
  const { random, ledger } = machine;
  if (!machine.isCalm && ledger.messages.posts.size < MAX_POSTS && random.chance(0.1)) {
    await speak(agent);
  }
  if (random.chance(machine.isCalm ? 0.3 : 0.14)) await listen(agent);
}

async function speak(agent: SimAgent): Promise<void> {
  const { random, ledger } = agent.machine;
  const to = random.pick([
    "#all",
    ...CHANNELS,
    random.pick(["a1", ...ledger.capabilities.keys()]),
    ...[...ledger.tasks.keys()].slice(0, 3),
    ...[...ledger.topics.keys()].slice(0, 2),
  ]);
  const said = [...ledger.messages.posts.values()].findLast(({ channel }) => channel === to);
  const reply = said !== undefined && random.chance(0.5) ? { reply_to: said.id } : {};
  const body = `${agent.name} says ${random.hex(1)}`;
  await ask(agent, "send_message", { to, body, ...reply });
}

/** Reads all or a channel, until nothing is left or it has had enough. */
async function listen(agent: SimAgent): Promise<void> {
  const { machine } = agent;
  const { random, ledger } = machine;
  const channel = random.chance(0.4)
    ? { channel: random.pick([...CHANNELS, "#all", ...[...ledger.tasks.keys()].slice(0, 2)]) }
    : {};
  let after = {};
  for (let round = 0; round < 3; round += 1) {
    const isWild = !machine.isCalm;
    const args = {
      ...channel,
      ...after,
      ...(isWild && random.chance(0.2) ? { wait_seconds: random.int(1, 6) } : {}),
    };
    const answer = await ask(agent, "read_messages", args, {
      ...(isWild && random.chance(0.1) ? { isUndelivered: true } : {}),
      ...(isWild && random.chance(0.05) ? { cancelAfterMs: random.between(0, 3000) } : {}),
    });
    if (answer === undefined || answer.isError) return;
    ledger.messages.arrived(answer, args);
    const last = (answer.body["messages"] as readonly unknown[]).at(-1);
    if (last === undefined || (isWild && random.chance(0.2))) return;
    // Where it read one channel it may forget to say so: then less is acknowledged, never too much.
    const isForgetful = isWild && random.chance(0.1);
    after = { after: String(field(last, "id")) };
    if (isForgetful) {
      const again = await ask(agent, "read_messages", after);
      if (again?.isError === false) ledger.messages.arrived(again, after);
      return;
    }
  }
}
