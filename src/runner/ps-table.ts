import type { ProcessEntry, ProcessTable } from "./process-table.ts";

const COLUMNS = "pid=,ppid=,pgid=,rss=,stat=,lstart=";
const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S.*?)\s*$/;

/** Runs a program and answers its output, or an empty text when it fails. */
type RunTool = (program: string, args: readonly string[]) => string;

/** macOS, which has no /proc: what `ps` and `sysctl` tell. There are no pid namespaces. */
export function createPsTable(run: RunTool): ProcessTable {
  const resident = new Map<string, number>();
  // Asked for once a snapshot, and only if needed: a call for each process would take seconds.
  let commands: ReadonlyMap<number, string> | undefined;
  const parse = (output: string): ProcessEntry[] =>
    output.split("\n").flatMap((line) => {
      const [, pid, parentPid, group, kilobytes, state = "", startTime] = LINE.exec(line) ?? [];
      if (startTime === undefined) return [];
      resident.set(`${pid}:${startTime}`, Number(kilobytes) * 1024);
      return {
        pid: Number(pid),
        parentPid: Number(parentPid),
        group: Number(group),
        session: 0,
        zombie: state.startsWith("Z"),
        startTime,
      };
    });
  return {
    // Not kern.boottime, which moves when the clock is set.
    bootId: run("sysctl", ["-n", "kern.bootsessionuuid"]).trim(),
    pidNamespace: "none",
    list: () => {
      resident.clear();
      commands = undefined;
      return parse(run("ps", ["-axww", "-o", COLUMNS]));
    },
    read: (pid) => parse(run("ps", ["-ww", "-o", COLUMNS, "-p", String(pid)]))[0],
    residentBytes: ({ pid, startTime }) => resident.get(`${pid}:${startTime}`) ?? 0,
    environmentValue: ({ pid }, name) => {
      commands ??= parseCommands(run("ps", ["-axEww", "-o", "pid=,command="]));
      const words = commands.get(pid)?.split(" ") ?? [];
      const found = words.find((word) => word.startsWith(`${name}=`));
      return found?.slice(name.length + 1);
    },
  };
}

/** Each line is a pid, the command and its environment, words separated by spaces. */
function parseCommands(output: string): ReadonlyMap<number, string> {
  const commands = new Map<number, string>();
  for (const line of output.split("\n")) {
    const [, pid, command] = /^\s*(\d+)\s(.*)$/.exec(line) ?? [];
    if (command !== undefined) commands.set(Number(pid), command);
  }
  return commands;
}
