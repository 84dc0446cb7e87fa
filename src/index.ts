/** What programs import: open a project, ask its governor, look at its store. */
export { openProject, type OpenOptions, type Project } from "./app.ts";
export { type Config, readConfig } from "./config.ts";
export { type ChainCheck, type ChainedEntry, checkChain } from "./core/audit-chain.ts";
export { ERROR_CODES, type ErrorCode, GuvnorError } from "./core/errors.ts";
export type { CallAnswer, Caller, Governor, IncomingCall, JsonObject } from "./engine/call.ts";
export type { Logger } from "./engine/deps.ts";
export type { ProjectPaths } from "./project-paths.ts";
export { openSqlite, type SqliteOptions } from "./store/sqlite/open-sqlite.ts";
export type { ReadTx, Scope, Store, StoreTx } from "./store/store.ts";
