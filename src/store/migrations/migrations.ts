import { initialSchema } from "./0001-initial.ts";
import { rulesSchema } from "./0002-rules.ts";
import { attemptsOfAgentsSchema } from "./0003-attempts-of-agents.ts";
import { votesSchema } from "./0004-votes.ts";
import { deliberationSchema } from "./0005-deliberation.ts";
import { escalationMatrixSchema } from "./0006-escalation-matrix.ts";
import { postsSchema } from "./0007-posts.ts";
import { pipelinesSchema } from "./0008-pipelines.ts";
import type { Dialect } from "./dialect.ts";

/** In order; the number of a migration is its place, from 1. Append only. */
export const MIGRATIONS: readonly ((dialect: Dialect) => string)[] = [
  initialSchema,
  rulesSchema,
  attemptsOfAgentsSchema,
  votesSchema,
  deliberationSchema,
  escalationMatrixSchema,
  postsSchema,
  pipelinesSchema,
];

export const SCHEMA_NUMBER = MIGRATIONS.length;
