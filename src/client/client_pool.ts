/**
 * Finds the open client for a project, server and log. A process has one client for each of these,
 * no matter how often `init` is called, and in which copy of the package.
 *
 * @module
 */

import { fileDigest } from "../protocol/digest/digest.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { WeaveClient } from "./weave_client/client.ts";
import { isOpen } from "./global_client.ts";
import { type GivenFunctions, poolState } from "./pooled_clients.ts";
import { DEFAULTS } from "./settings/defaults.ts";
import type { InitOptions } from "./settings/options.ts";
import type { Settings } from "./settings/settings.ts";

/** The key of a client: what `init` was called with. */
export interface ClientTarget {
  readonly entity: string;
  readonly project: string;
  readonly runtime: Runtime;
  /** Whether `runtime` was given in code. Detected runtimes are equivalent in every copy. */
  readonly ownRuntime: boolean;
  readonly settings: Settings;
  readonly given: GivenFunctions;
}

/** A client that was found. */
export interface FoundClient {
  readonly client: WeaveClient;
  /** Differences between this call of `init` and the open client; `null` if there are none. */
  readonly differs: string | null;
}

/**
 * Settings that distinguish clients of one project: where records are sent, and whether they are.
 */
const IDENTITY: readonly (keyof Settings)[] = ["serverUrl", "wal", "sender", "disabled"];
/** Settings that a second `init` cannot change. */
const TUNING = [
  ...Object.keys(DEFAULTS),
  "globalAttributes",
  "redactKeys",
  "redactPatterns",
] as (keyof Settings)[];

/** Returns the options, with functions that forward to those of the latest `init`. */
export function lastGiven(options: InitOptions): { options: InitOptions; given: GivenFunctions } {
  // Other types are rejected when the settings are resolved.
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return { options, given: { fetch: undefined, onEvent: undefined, redact: undefined } };
  }
  const { fetch, onEvent, redact } = options;
  const given: GivenFunctions = { fetch, onEvent, redact };
  const steady: InitOptions = { ...options };
  if (typeof given.fetch === "function") steady.fetch = (url, init) => given.fetch!(url, init);
  if (typeof redact === "function") steady.redact = (key, value) => given.redact!(key, value);
  if (given.onEvent === undefined || typeof given.onEvent === "function") {
    steady.onEvent = (event) => given.onEvent?.(event);
  }
  return { options: steady, given };
}

/**
 * Returns the open client for a target, if there is one. It then uses the functions given for this
 * call.
 */
export function findClient(target: ClientTarget): FoundClient | null {
  const pooled = poolState.clients.get(identityOf(target));
  if (!pooled || !isOpen(pooled.client)) return null;
  const { client, settings, given, reported } = pooled;
  const names = TUNING.filter((name) =>
    name !== "walDir" && textOf(settings[name]) !== textOf(target.settings[name])
  );
  for (const name of ["fetch", "redact"] as const) {
    if (given[name] && target.given[name]) Object.assign(given, { [name]: target.given[name] });
    else if (given[name] !== target.given[name]) names.push(name as keyof Settings);
  }
  given.onEvent = target.given.onEvent;
  const differs = names.join(", ");
  if (differs === "" || reported.has(differs)) return { client, differs: null };
  reported.add(differs);
  return { client, differs };
}

/** Stores an open client for later calls of `init`. */
export function keepClient(target: ClientTarget, client: WeaveClient): void {
  const { settings, given } = target;
  poolState.clients.set(identityOf(target), { client, settings, given, reported: new Set() });
}

function identityOf({ entity, project, runtime, ownRuntime, settings }: ClientTarget): string {
  const { wal, walDir, apiKey } = settings;
  return JSON.stringify([
    entity,
    project,
    ...IDENTITY.map((name) => settings[name]),
    wal ? walDir : null,
    // The state is visible to the whole process, so it contains a digest instead of the key.
    apiKey === undefined ? null : fileDigest(`weave-wal:${apiKey}`).slice(0, 12),
    ownRuntime ? numberOf(runtime) : 0,
  ]);
}

function numberOf(runtime: object): number {
  const known = poolState.runtimes.get(runtime) ?? ++poolState.lastRuntime;
  poolState.runtimes.set(runtime, known);
  return known;
}

/** Returns text for comparison; values without a text compare as equal. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part) => part instanceof RegExp ? String(part) : part) ?? "";
  } catch {
    return "";
  }
}
