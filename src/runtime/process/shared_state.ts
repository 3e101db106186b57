/**
 * State shared by all copies of this package in a process.
 *
 * Bundles, nested `node_modules`, hot reloads and the layers of a framework each evaluate the
 * package again. All of these copies share one call stack, one client per project and one set of
 * exit listeners through this state. Worker threads have their own global object, and therefore
 * their own state.
 *
 * @module
 */

import { VERSION } from "../../version.ts";

/**
 * Version of the shared state: the names, types and meanings of its slots. Copies with the same
 * number share state. Increase it when a slot changes so that a copy built for the old type cannot
 * use it. A new slot, or a new optional member of a shared object, does not need a new number.
 */
export const PROTOCOL = 1;

/** The state shared by all copies with one protocol version. */
interface Group {
  /** Package version of the copy that created the group. */
  readonly version: string;
  readonly slots: Map<string, unknown>;
  /** Whether a client of this group is open. */
  tracing: boolean;
}

/** State on the global object. Its type is the same in all versions of the package. */
interface Root {
  readonly groups: Map<number, Group>;
  /** Whether the coexistence of groups with different protocols was reported. */
  mixReported: boolean;
}

const KEY = Symbol.for("@weave-wal/client/process");
const root = findRoot();
const own = findGroup(root);

/** Returns the value of a slot; the first copy of the package that requests it creates it. */
export function shared<Value>(slot: string, make: () => Value): Value {
  if (!own.slots.has(slot)) own.slots.set(slot, make());
  return own.slots.get(slot) as Value;
}

/** Sets whether a client is open, for copies that cannot share the state itself. */
export function setTracing(tracing: boolean): void {
  own.tracing = tracing;
}

/**
 * Describes copies of the package in this process that cannot share their state with this one.
 *
 * @param opening Whether a client is being opened here. Then a copy that was only loaded matters
 * too, because its ops are not recorded.
 * @returns The message to show; `null` if there are none, and after the first time.
 */
export function describeMixedVersions(opening: boolean): string | null {
  if (root.mixReported) return null;
  const others = [...root.groups.values()].filter((group) => group !== own);
  if (!others.some(({ tracing }) => opening || tracing)) return null;
  root.mixReported = true;
  const versions = [own, ...others].map(({ version }) => version).sort().join(" and ");
  return `Versions ${versions} of @weave-wal/client run in this process and cannot share their ` +
    "state: ops of one are not recorded by a client of the other. Install one version " +
    "(`npm ls @weave-wal/client` shows them)";
}

function findRoot(): Root {
  const host = globalThis as { [KEY]?: Root };
  const found = host[KEY];
  if (found?.groups instanceof Map) return found;
  const made: Root = { groups: new Map(), mixReported: false };
  try {
    Object.defineProperty(globalThis, KEY, { value: made });
  } catch {
    // The global object is frozen: each copy has its own state, as in separate realms.
  }
  return made;
}

function findGroup({ groups }: Root): Group {
  let group = groups.get(PROTOCOL);
  if (!group) groups.set(PROTOCOL, group = { version: VERSION, slots: new Map(), tracing: false });
  return group;
}
