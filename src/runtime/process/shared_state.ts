/**
 * State that every copy of this package in a process shares.
 *
 * Bundles, nested `node_modules`, hot reloads and the layers of a framework each evaluate the
 * package again. All of those copies find one another here and use one call stack, one client per
 * project and one set of exit listeners. Worker threads have a global object, and so a state, of
 * their own.
 *
 * @module
 */

import { VERSION } from "../../version.ts";

/**
 * Version of the shared state: the names, shapes and meanings of its slots. Copies of the same
 * number share. Raise it when a slot changes so that a copy built for the old shape cannot use it;
 * a new slot, or a new optional member of a shared object, keeps the number.
 */
export const PROTOCOL = 1;

/** The state of all copies of one protocol. */
interface Group {
  /** Package version of the copy that made the group. */
  readonly version: string;
  readonly slots: Map<string, unknown>;
  /** Whether a client of this group is open. */
  tracing: boolean;
}

/** State on the global object. Its shape is the same in all versions of the package. */
interface Root {
  readonly groups: Map<number, Group>;
  /** Whether it was reported that groups of different protocols run side by side. */
  mixReported: boolean;
}

const KEY = Symbol.for("@weave-wal/client/process");
const root = findRoot();
const own = findGroup(root);

/**
 * The value of a slot, made by the first copy of the package that asks for it.
 */
export function shared<Value>(slot: string, make: () => Value): Value {
  if (!own.slots.has(slot)) own.slots.set(slot, make());
  return own.slots.get(slot) as Value;
}

/** Notes whether a client is open, for copies that cannot share the state itself. */
export function setTracing(tracing: boolean): void {
  own.tracing = tracing;
}

/**
 * Describes copies of the package in this process that cannot share their state with this one.
 *
 * @param opening Whether a client is being opened here; a copy that was only loaded matters then
 *   too, because its ops are not recorded.
 * @returns The message to show; `null` where there are none, and after the first time.
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
    // A frozen global object: each copy has a state of its own, as in separate realms.
  }
  return made;
}

function findGroup({ groups }: Root): Group {
  let group = groups.get(PROTOCOL);
  if (!group) groups.set(PROTOCOL, group = { version: VERSION, slots: new Map(), tracing: false });
  return group;
}
