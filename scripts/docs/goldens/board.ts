import { WORK_COMMIT, type Stage } from "./stage.ts";

/** Topics: proposed and voted on, given as options, irreversible, without a winner, and measured. */
export async function playBoard(stage: Stage): Promise<void> {
  await stage.show("ada", "read_board", "an empty list", {});
  await propose(stage);
  await vote(stage);
  await confirm(stage);
  await disagree(stage);
  await check(stage);
}

async function propose({ show, refused, quietly }: Stage): Promise<void> {
  await show("ada", "open_topic", "solutions are asked for", {
    title: "How do we store dates?",
    problem: "Reports need them in the reader's time zone.",
    electorate: { agents: ["ada", "ben", "cleo"] },
  });
  await show("ben", "read_board", "the list", {});
  await show("ada", "propose_solution", "proposed", {
    topic_id: "B1",
    title: "UTC text",
    body: "ISO 8601 with a Z; converted when shown.",
    files: ["src/dates.ts"],
    confidence: 0.8,
  });
  await refused("ada", "vote", "too early", { topic_id: "B1", ballot: ["S1"], reason: "Mine." });
  await quietly("ben", "propose_solution", {
    topic_id: "B1",
    title: "Milliseconds",
    body: "A number since 1970.",
  });
  await show("cleo", "propose_solution", "passed, and voting opens", {
    topic_id: "B1",
    pass: true,
  });
  await refused("ada", "propose_solution", "too late", {
    topic_id: "B1",
    title: "Both",
    body: "Text and number.",
  });
  await quietly("dora", "register_agent", { name: "dora" });
  await refused("dora", "propose_solution", "not in the electorate", {
    topic_id: "B1",
    pass: true,
  });
}

async function vote({ show, refused }: Stage): Promise<void> {
  await show("cleo", "read_board", "one topic, voting", { topic_id: "B1" });
  await show("ada", "read_board", "one solution", { solution_id: "S2" });
  await show("ada", "vote", "cast", {
    topic_id: "B1",
    ballot: ["S1", "S2"],
    reason: "Readable in every log.",
  });
  await refused("ada", "vote", "a second ballot", {
    topic_id: "B1",
    ballot: ["S2"],
    reason: "I have changed my mind.",
  });
  await refused("ben", "vote", "an unknown solution", {
    topic_id: "B1",
    ballot: ["S9"],
    reason: "It is the best.",
  });
  await show("ben", "vote", "an abstention", {
    topic_id: "B1",
    abstain: true,
    reason: "Both will do.",
  });
  await show("cleo", "vote", "the last ballot decides", {
    topic_id: "B1",
    ballot: ["S1"],
    reason: "It sorts as text.",
  });
  await refused("dora", "vote", "not in the electorate", {
    topic_id: "B1",
    ballot: ["S1"],
    reason: "I like it.",
  });
  await show("ada", "read_board", "one topic, decided", { topic_id: "B1" });
  await refused("cleo", "vote", "after the vote", {
    topic_id: "B1",
    ballot: ["S2"],
    reason: "On second thoughts.",
  });
  await refused("ada", "read_board", "a topic that is not there", { topic_id: "B99" });
}

async function confirm({ show, refused, quietly }: Stage): Promise<void> {
  await quietly("ada", "get_status");
  await show("ada", "open_topic", "options are given, voting opens", {
    title: "Drop the old tables?",
    problem: "Nobody has read them since spring.",
    options: ["Drop them", "Keep them"],
    electorate: { agents: ["ada", "ben", "cleo"] },
    irreversible: true,
  });
  await refused("ada", "open_topic", "an unknown agent", {
    title: "Who is there?",
    problem: "Let us see.",
    electorate: { agents: ["nobody"] },
  });
  await refused("ada", "open_topic", "a quorum that cannot be reached", {
    title: "All of us?",
    problem: "Let us see.",
    electorate: { agents: ["ada", "ben"] },
    quorum: 3,
  });
  await refused("ada", "open_topic", "a veto of a role that is not there", {
    title: "Is it safe?",
    problem: "Somebody must say so.",
    veto: ["security"],
  });
  await refused("ada", "vote", "a veto of who has none", {
    topic_id: "B2",
    ballot: ["S4"],
    veto: ["S3"],
    reason: "It cannot be undone.",
  });
  const ballot = { topic_id: "B2", ballot: ["S3"], reason: "They cost money." };
  await quietly("ada", "vote", ballot);
  await quietly("ben", "vote", ballot);
  await show("cleo", "vote", "chosen, and a person must confirm it", ballot);
}

async function disagree({ show, quietly }: Stage): Promise<void> {
  await quietly("ada", "open_topic", {
    title: "Tabs or spaces?",
    problem: "The formatter wants to know.",
    options: ["Tabs", "Spaces"],
    electorate: { agents: ["ada", "ben"] },
  });
  const tabs = { topic_id: "B3", ballot: ["S5"], reason: "One key." };
  const spaces = { topic_id: "B3", ballot: ["S6"], reason: "They look alike everywhere." };
  await quietly("ada", "vote", tabs);
  await show("ben", "vote", "a tie, and the one re-vote opens", spaces);
  await quietly("ada", "vote", tabs);
  await show("ben", "vote", "a tie again, and a mediator is asked", spaces);
  await show("ada", "read_board", "one topic that waits for a mediator", { topic_id: "B3" });
}

async function check({ show, refused }: Stage): Promise<void> {
  const electorate = { agents: ["ada", "ben"] };
  await show("ada", "open_topic", "solutions are measured before the vote", {
    title: "Which parser?",
    problem: "It must pass the tests.",
    electorate,
    checks: { gates: ["tests"], files: ["src/parser.ts"] },
  });
  await refused("ben", "propose_solution", "its topic checks commits, and it names none", {
    topic_id: "B4",
    title: "By hand",
    body: "Recursive descent.",
  });
  await show("ben", "propose_solution", "measured first", {
    topic_id: "B4",
    title: "By hand",
    body: "Recursive descent.",
    commit: WORK_COMMIT,
  });
  await refused("ada", "open_topic", "a gate that is not there", {
    title: "Which parser?",
    problem: "It must be fast.",
    electorate,
    checks: { gates: ["speed"] },
  });
}
