/**
 * The clients that `init` made: one for each project, server and log, however often it is called
 * and whichever copy of the package it is called in.
 *
 * @module
 */

import { fileDigest } from "../protocol/digest/digest.ts";
import { shared } from "../runtime/process/shared_state.ts";
import type { Fetch, Runtime } from "../runtime/runtime.ts";
import type { Redact } from "./redaction/redactor.ts";
import type { WeaveClient } from "./client.ts";
import { isOpen } from "./global_client.ts";
import type { PipelineEvent } from "./pipeline/pipeline.ts";
import { DEFAULTS } from "./settings/defaults.ts";
import type { InitOptions } from "./settings/options.ts";
import type { Settings } from "./settings/settings.ts";

/** What a client is wanted for. */
export interface ClientTarget {
  readonly entity: string;
  readonly project: string;
  readonly runtime: Runtime;
  /** Whether `runtime` was given in code; detected ones are the same host in every copy. */
  readonly ownRuntime: boolean;
  readonly settings: Settings;
  readonly given: GivenFunctions;
}

/** Functions that code gives; those of the last `init` are used, as earlier ones may be stale. */
export interface GivenFunctions {
  fetch: Fetch | undefined;
  onEvent: ((event: PipelineEvent) => void) | undefined;
  redact: Redact | undefined;
}

/** A client of the pool, and what it was opened with. */
interface Pooled {
  readonly client: WeaveClient;
  readonly settings: Settings;
  readonly given: GivenFunctions;
  /** Differences that were reported. */
  readonly reported: Set<string>;
}

/** A client that was found. */
export interface FoundClient {
  readonly client: WeaveClient;
  /** What this `init` asked for and the open client does not do; `null` for nothing new. */
  readonly differs: string | null;
}

const state = shared("client-pool", () => ({
  clients: new Map<string, Pooled>(),
  runtimes: new WeakMap<object, number>(),
  lastRuntime: 0,
}));

/** Settings that tell clients of one project apart: where records go, and whether they do. */
const IDENTITY: readonly (keyof Settings)[] = ["serverUrl", "wal", "sender", "disabled"];
/** Settings that a second `init` cannot change. */
const TUNING = [
  ...Object.keys(DEFAULTS),
  "globalAttributes",
  "redactKeys",
  "redactPatterns",
] as (keyof Settings)[];

/** The options, with functions that stand for those of the last `init`. */
export function lastGiven(options: InitOptions): { options: InitOptions; given: GivenFunctions } {
  // Anything but an object or a function is rejected with the settings.
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

/** The open client for a target, if there is one; it uses the functions given for this one. */
export function findClient(target: ClientTarget): FoundClient | null {
  const pooled = state.clients.get(identityOf(target));
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

/** Keeps an open client for later calls of `init`. */
export function keepClient(target: ClientTarget, client: WeaveClient): void {
  const { settings, given } = target;
  state.clients.set(identityOf(target), { client, settings, given, reported: new Set() });
}

/** Every client that `init` made and that is open. */
export function pooledClients(): WeaveClient[] {
  for (const [key, { client }] of state.clients) {
    if (!isOpen(client)) state.clients.delete(key);
  }
  return [...state.clients.values()].map(({ client }) => client);
}

function identityOf({ entity, project, runtime, ownRuntime, settings }: ClientTarget): string {
  const { wal, walDir, apiKey } = settings;
  return JSON.stringify([
    entity,
    project,
    ...IDENTITY.map((name) => settings[name]),
    wal ? walDir : null,
    // The state is open to the whole process: a digest tells keys apart and does not show them.
    apiKey === undefined ? null : fileDigest(`weave-wal:${apiKey}`).slice(0, 12),
    ownRuntime ? numberOf(runtime) : 0,
  ]);
}

function numberOf(runtime: object): number {
  const known = state.runtimes.get(runtime) ?? ++state.lastRuntime;
  state.runtimes.set(runtime, known);
  return known;
}

/** Text to compare by; values without any are compared as equal. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part) => part instanceof RegExp ? String(part) : part) ?? "";
  } catch {
    return "";
  }
}
