import { isGuardOf, type GuardKind, type GuardPlace, type GuardStates } from "../../core/guard.ts";
import type { GuardSubjects, ReadTx } from "../../store/store.ts";

export const PROJECT_SUBJECT = "project";

export function agentSubject(name: string): string {
  return `agent:${name}`;
}

/** The states of some subjects, as one read found them. */
export interface Guards {
  state<Kind extends GuardKind>(
    subject: string,
    kind: Kind,
    name: string,
  ): GuardStates[Kind] | undefined;
}

export async function readGuards(tx: ReadTx, subjects: GuardSubjects): Promise<Guards> {
  const found: readonly GuardPlace[] = await tx.guards.of(subjects);
  return {
    state: (subject, kind, name) => {
      for (const each of found) {
        const isHere = each.subject === subject && each.name === name;
        if (isHere && isGuardOf(each, kind)) return each.state;
      }
      return undefined;
    },
  };
}

/** Of people, whom no rule holds back. */
export const NO_GUARDS: Guards = { state: () => undefined };
