/**
 * All mutations.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";
import { CLIENT_MUTATIONS } from "./client.ts";
import { RUNTIME_MUTATIONS } from "./runtime.ts";

/** All mutations. */
export const MUTATIONS: readonly Mutation[] = [...RUNTIME_MUTATIONS, ...CLIENT_MUTATIONS];
