/**
 * The refs of saved values.
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

/** Shared, so that one copy of the package does not save a value again that another copy saved. */
const state = shared("saved-refs", () => ({
  refs: new WeakMap<object, AnyRef>(),
  saving: new WeakMap<object, Promise<AnyRef>>(),
  /** Whether any value is saved. Most programs save none, and every traced value is looked up. */
  any: false,
}));
const { refs, saving } = state;

/** Stores the ref of `value`. Does not change its properties, since it may be frozen. */
export function setSavedRef(value: object, ref: AnyRef): void {
  state.any = true;
  refs.set(value, ref);
}

/** Returns the ref under which `value` was last saved, in any project. */
export function savedRef(value: object): AnyRef | undefined {
  return state.any ? refs.get(value) : undefined;
}

/** Forgets the ref of `value`. */
export function forgetSavedRef(value: object): void {
  refs.delete(value);
}

/** Stores the pending ref of a value that is being saved, until that succeeds or fails. */
export function setSavingRef(value: object, ref: Promise<AnyRef>): void {
  saving.set(value, ref);
  const forget = () => {
    if (saving.get(value) === ref) saving.delete(value);
  };
  ref.then(forget, forget);
}

/** Returns the pending ref of a value that is being saved. */
export function savingRef(value: object): Promise<AnyRef> | undefined {
  return saving.get(value);
}
