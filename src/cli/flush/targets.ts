/**
 * What stood in the logs when a flush began, and how much of it is still there.
 *
 * Whoever sends it counts: this command, the writer itself, or another sender.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import {
  inspectSegment,
  isForServer,
  isSealed,
  listStems,
  pendingBytes,
  type SegmentState,
} from "../../wal/ownership/segment_status.ts";
import { listProjects, type OnUnreadable, type ProjectFilter } from "../logs/projects.ts";

/** Records for a server that is not this command's. */
export interface OtherServer {
  readonly server: string;
  readonly files: number;
  readonly bytes: number;
}

/** What is left. */
export interface Remaining {
  readonly bytes: number;
  readonly files: number;
}

interface Target {
  readonly state: SegmentState;
  /** Byte offset up to which it is to be sent. */
  readonly end: number;
  left: number;
}

/** The segments that a flush is about. */
export class FlushTargets {
  /** Bytes that waited. */
  readonly total: number;
  /** What is left alone. */
  readonly others: readonly OtherServer[];
  readonly #runtime: Runtime;
  #targets: Target[];

  private constructor(runtime: Runtime, states: readonly SegmentState[], server: string) {
    const others = new Map<string, OtherServer>();
    this.#runtime = runtime;
    this.#targets = [];
    for (const state of states) {
      const left = pendingBytes(state);
      if (isForServer(state, server)) {
        // A file with nothing left in it is still to be taken away when its writer is gone.
        if (left > 0 || isSealed(state)) this.#targets.push({ state, end: state.size, left });
      } else if (left > 0) {
        const named = state.writer.server ?? "another server (the owner file is damaged)";
        const { files, bytes } = others.get(named) ?? { files: 0, bytes: 0 };
        others.set(named, { server: named, files: files + 1, bytes: bytes + left });
      }
    }
    this.others = [...others.values()];
    this.total = this.#targets.reduce((sum, { left }) => sum + left, 0);
  }

  /**
   * Looks at everything below `root` that is for `server`.
   *
   * @param onUnreadable As in {@linkcode listProjects}.
   */
  static take(
    runtime: Runtime,
    root: string,
    filter: ProjectFilter,
    server: string,
    onUnreadable?: OnUnreadable,
  ): FlushTargets {
    const states = listProjects(runtime, root, filter, onUnreadable).flatMap(({ directory }) => {
      try {
        return statesIn(runtime, directory);
      } catch (error) {
        if (onUnreadable === undefined) throw error;
        onUnreadable(directory, error);
        return [];
      }
    });
    return new FlushTargets(runtime, states, server);
  }

  /** What is left of it now. */
  look(): Remaining {
    const now = this.#statesNow();
    this.#targets = this.#targets.filter((target) => {
      const state = now.get(target.state.paths.data);
      if (!state) return false;
      target.left = Math.max(0, target.end - state.checkpoint.offset);
      return target.left > 0 || isSealed(state);
    });
    return {
      bytes: this.#targets.reduce((sum, { left }) => sum + left, 0),
      files: this.#targets.length,
    };
  }

  /** The segments that are left, as they stand now. */
  left(): SegmentState[] {
    this.look();
    return [...this.#statesNow().values()];
  }

  #statesNow(): Map<string, SegmentState> {
    const states = new Map<string, SegmentState>();
    const wanted = new Set(this.#targets.map(({ state }) => state.paths.data));
    for (const directory of new Set(this.#targets.map(({ state }) => state.directory))) {
      for (const state of statesIn(this.#runtime, directory, wanted)) {
        states.set(state.paths.data, state);
      }
    }
    return states;
  }
}

function statesIn(
  runtime: Runtime,
  directory: string,
  wanted?: ReadonlySet<string>,
): SegmentState[] {
  try {
    return listStems(runtime.files, directory)
      .filter(({ paths }) => wanted === undefined || wanted.has(paths.data))
      .map((stem) => inspectSegment(runtime, stem))
      .filter((state) => state !== null);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
