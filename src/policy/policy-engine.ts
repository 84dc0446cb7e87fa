import { compilePolicy } from "./compile-policy.ts";
import { decide } from "./decide.ts";
import { loadSettings } from "./load-settings.ts";

/**
 * What the engine needs of the rules in each call. It gets it with the project: the expression
 * library and YAML are no part of what a client waits for at start.
 */
export const POLICY_ENGINE = { compile: compilePolicy, decide, load: loadSettings };

export type PolicyEngine = typeof POLICY_ENGINE;
