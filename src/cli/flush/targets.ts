/**
 * The records that were pending when a flush started, and how many of them still are.
 *
 * Delivery by any process counts: this command, the writer itself, or another sender.
 *
 * @module
 */

import { hasCode } from "../../errors.ts";
import { Slices } from "../../runtime/event_loop.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import {
  inspectSegments,
  isFinal,
  isForServer,
  listSegments,
  pendingBytes,
  ProcessCache,
  type SegmentState,
} from "../../wal/orphans/segment_status.ts";
import {
  type InterruptedWriter,
  interruptedWriters,
} from "../../wal/open_calls/interrupted_writers.ts";
import { readCheckpoint } from "../../wal/segment/checkpoint.ts";
import { SEGMENT_SUFFIX } from "../../wal/segment/segment_name.ts";
import { listProjects, type OnUnreadable, type ProjectFilter } from "../logs/projects.ts";

/** Records for another server. */
export interface OtherServer {
  /** Base URL of the server; `null` if no file contains it. */
  readonly server: string | null;
  readonly files: number;
  readonly bytes: number;
}

/** The remaining part. */
export interface Remaining {
  readonly bytes: number;
  readonly files: number;
}

interface Target {
  readonly state: SegmentState;
  /** Byte offset up to which it should be sent. */
  end: number;
  /** Bytes that were pending. */
  readonly total: number;
  left: number;
}

/** Options for {@linkcode FlushTargets.take}. */
export interface TargetOptions {
  readonly runtime: Runtime;
  readonly root: string;
  readonly filter: ProjectFilter;
  /** Base URL of the server that the flush sends to. */
  readonly server: string;
  /** Token of this command's sender; segments drained by others are counted separately. */
  readonly token: string;
  /** See {@linkcode listProjects}. */
  readonly onUnreadable?: OnUnreadable;
}

/** The segments that a flush must send. */
export class FlushTargets {
  /** Bytes that were pending. */
  readonly total: number;
  /** Records for other servers, which are not sent. */
  readonly others: readonly OtherServer[];
  readonly #runtime: Runtime;
  readonly #token: string;
  #targets: Target[] = [];
  /** Writers whose calls are to be closed. */
  #interrupted: readonly InterruptedWriter[];
  /** Bytes that other processes delivered. */
  #byOthers = 0;

  private constructor(
    { runtime, server, token }: TargetOptions,
    states: readonly SegmentState[],
    interrupted: readonly InterruptedWriter[],
  ) {
    const others = new Map<string | null, OtherServer>();
    this.#runtime = runtime;
    this.#token = token;
    this.#interrupted = interrupted.filter((one) => isForServer(one, server));
    for (const state of states) {
      const left = pendingBytes(state);
      if (isForServer(state, server)) {
        // A file without pending records must still be removed if it is final.
        if (left > 0 || isFinal(state)) {
          this.#targets.push({ state, end: state.size, total: left, left });
        }
      } else if (left > 0) {
        const named = state.writer.server;
        const { files, bytes } = others.get(named) ?? { files: 0, bytes: 0 };
        others.set(named, { server: named, files: files + 1, bytes: bytes + left });
      }
    }
    this.others = [...others.values()];
    this.total = this.#targets.reduce((sum, { left }) => sum + left, 0);
  }

  /** Collects the segments for a server in a root directory. */
  static async take(options: TargetOptions): Promise<FlushTargets> {
    const { runtime, root, filter, onUnreadable } = options;
    const cache = new ProcessCache();
    const states: SegmentState[] = [];
    const interrupted: InterruptedWriter[] = [];
    for (const { directory } of await listProjects(runtime, root, filter, onUnreadable)) {
      try {
        const segments = await listSegments(runtime, directory);
        for (const state of await inspectSegments(runtime, segments, cache)) states.push(state);
        for (const one of await interruptedWriters(runtime, segments, cache)) interrupted.push(one);
      } catch (error) {
        if (hasCode(error, "ENOENT")) continue;
        if (onUnreadable === undefined) throw error;
        onUnreadable(directory, error);
      }
    }
    return new FlushTargets(options, states, interrupted);
  }

  /** Bytes that other processes delivered, as of the last `look`. */
  get byOthers(): number {
    return this.#byOthers + this.#targets
      .filter((target) => this.#isOthers(target))
      .reduce((sum, { total, left }) => sum + total - left, 0);
  }

  /**
   * Tokens of the other processes that were draining the remaining segments when the flush started.
   */
  get otherDrainers(): ReadonlySet<string> {
    return new Set(
      this.#targets.filter((target) => this.#isOthers(target))
        .map(({ state }) => state.drainer?.token).filter((token) => typeof token === "string"),
    );
  }

  /** Tokens of those of them that drain what they wrote, which no other process takes over. */
  get otherWriters(): ReadonlySet<string> {
    return new Set(
      this.#targets.filter((target) => this.#isOthers(target)).map(({ state }) => state.drainer!)
        .flatMap(({ as, token }) => as === "writer" && token !== null ? [token] : []),
    );
  }

  /**
   * Returns whether all remaining segments were being drained by these processes when the flush
   * started.
   */
  areAllOf(tokens: ReadonlySet<string>): boolean {
    return this.#targets.every(({ state }) => tokens.has(state.drainer?.token ?? ""));
  }

  /**
   * Returns what is still pending. Lists each directory once: a segment that is no longer listed is
   * delivered, and only those with a checkpoint or a running writer are checked.
   */
  async look(): Promise<Remaining> {
    const slices = new Slices(this.#runtime.clock);
    const listed = new Map<string, ReadonlySet<string>>();
    const namesIn = async (directory: string): Promise<ReadonlySet<string>> => {
      if (slices.isOver) await slices.next();
      const names = listed.get(directory) ?? await this.#namesIn(directory);
      listed.set(directory, names);
      return names;
    };
    const left: Target[] = [];
    for (const target of this.#targets) {
      if (this.#update(target, await namesIn(target.state.directory))) left.push(target);
      else if (this.#isOthers(target)) this.#byOthers += target.total;
    }
    this.#targets = left;
    const unsettled: InterruptedWriter[] = [];
    for (const one of this.#interrupted) {
      const names = await namesIn(one.directory);
      if (one.names.some((name) => names.has(name))) unsettled.push(one);
    }
    this.#interrupted = unsettled;
    const bytes = left.reduce((sum, target) => sum + target.left, 0);
    return { bytes, files: left.length + unsettled.length };
  }

  /** Returns the states of some remaining segments, to find the processes that drain them. */
  async states(most: number): Promise<SegmentState[]> {
    return await inspectSegments(
      this.#runtime,
      this.#targets.slice(0, most).map(({ state }) => state),
    );
  }

  /** Updates a target; returns whether it is still pending. */
  #update(target: Target, names: ReadonlySet<string>): boolean {
    const { state: { stem, paths, open } } = target;
    if (!names.has(stem + SEGMENT_SUFFIX)) return false;
    // Bytes truncated from an open file can no longer be sent.
    if (open) target.end = Math.min(target.end, this.#runtime.files.stat(paths.data)?.size ?? 0);
    if (names.has(`${stem}.checkpoint`)) {
      const { offset } = readCheckpoint(
        this.#runtime.files,
        paths.checkpoint,
        Infinity,
        () => true,
      );
      target.left = Math.max(0, target.end - offset);
    }
    return target.left > 0 || !open;
  }

  async #namesIn(directory: string): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    try {
      for await (const entries of this.#runtime.files.scan(directory)) {
        for (const { name } of entries) names.add(name);
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    return names;
  }

  #isOthers({ state: { drainer } }: Target): boolean {
    return drainer !== null && drainer.liveness !== "dead" && drainer.token !== this.#token;
  }
}
