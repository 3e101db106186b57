/**
 * Which values are saved already, and under which ref.
 *
 * @module
 */

import { shared } from "../../runtime/process/shared_state.ts";

/** A ref of any kind. */
export interface AnyRef {
  /** `entity/project`. */
  readonly projectId: string;
  uri(): string;
}

/** Shared, because what one copy of the package saved must not be saved again by another. */
const state = shared("saved-refs", () => ({
  refs: new WeakMap<object, AnyRef>(),
  saving: new WeakMap<object, Promise<AnyRef>>(),
  /** Whether anything is saved: most programs save nothing, and every traced value is looked up. */
  any: false,
}));
const { refs, saving } = state;

/** Remembers that `value` is saved. Its properties are left alone: it may be frozen. */
export function setSavedRef(value: object, ref: AnyRef): void {
  state.any = true;
  refs.set(value, ref);
}

/** The ref under which `value` was saved last, in whatever project. */
export function savedRef(value: object): AnyRef | undefined {
  return state.any ? refs.get(value) : undefined;
}

/** Forgets that `value` is saved. */
export function forgetSavedRef(value: object): void {
  refs.delete(value);
}

/** Remembers that `value` is being saved, until it is or cannot be. */
export function setSavingRef(value: object, ref: Promise<AnyRef>): void {
  saving.set(value, ref);
  const forget = () => {
    if (saving.get(value) === ref) saving.delete(value);
  };
  ref.then(forget, forget);
}

/** The ref to come of a value that is being saved. */
export function savingRef(value: object): Promise<AnyRef> | undefined {
  return saving.get(value);
}
