/**
 * The names of a simulated disk: the tree visible to programs, the durable tree, and the
 * changes between them.
 *
 * @module
 */

import { MemoryContent, part } from "./memory_content.ts";
import type { FileKind } from "../../../src/runtime/file_types.ts";

/** The user ID of all simulated processes. */
export const MEMORY_USER = 1000;

/** A file, directory, symbolic link or special file (FIFO), independent of its names. */
export interface MemoryNode {
  /** Number on its disk. */
  readonly id: number;
  readonly kind: FileKind;
  /** User ID; that of simulated processes is {@linkcode MEMORY_USER}. */
  owner: number;
  mode: number;
  /** Bytes of a file. */
  readonly content: MemoryContent;
  /** Target of a symbolic link. */
  readonly target: string;
  /** Names in a directory, as seen by programs. */
  entries: Map<string, MemoryNode>;
  /** Durable names in a directory. */
  durable: Map<string, MemoryNode>;
  /** Time of the last change of the content, epoch ms. */
  modified: number;
}

/** A change of one name in a directory to another node, or to none. */
export interface NameChange {
  readonly directory: MemoryNode;
  readonly name: string;
  readonly node: MemoryNode | undefined;
}

/** Changes of names that happen atomically: one, or the two of a rename. */
type Step = readonly NameChange[];

/** The tree of names with its journal. */
export class MemoryNames {
  /** The directory `/`. */
  readonly root: MemoryNode;
  #lastId = 0;
  /** Steps that are not durable yet, oldest first. */
  #journal: Step[] = [];
  readonly #numbers = new Map<Step, number>();
  #lastNumber = 0;

  constructor(now: number) {
    this.root = this.make("directory", 0o755, now);
  }

  /** Creates a node without a name. */
  make(kind: MemoryNode["kind"], mode: number, now: number, target = ""): MemoryNode {
    return {
      id: ++this.#lastId,
      kind,
      owner: MEMORY_USER,
      mode,
      content: new MemoryContent(),
      target,
      entries: new Map(),
      durable: new Map(),
      modified: now,
    };
  }

  /** Changes names in one step. */
  change(...step: NameChange[]): void {
    put(step, "entries");
    this.#journal.push(step);
    this.#numbers.set(step, ++this.#lastNumber);
  }

  /** A mark after all steps so far. */
  mark(): number {
    return this.#lastNumber;
  }

  /**
   * Makes the changes of `directory` up to `mark` durable. For a rename from another
   * directory, the earlier changes there become durable too, so that no file has two
   * names.
   */
  sync(directory: MemoryNode, mark: number): void {
    const wanted = new Set([directory]);
    const steps = new Set<Step>();
    for (const step of this.#journal.toReversed()) {
      if (this.#numbers.get(step)! > mark) continue;
      if (!step.some((change) => wanted.has(change.directory))) continue;
      steps.add(step);
      for (const change of step) wanted.add(change.directory);
    }
    for (const step of this.#journal) if (steps.has(step)) put(step, "durable");
    for (const step of steps) this.#numbers.delete(step);
    this.#journal = this.#journal.filter((step) => !steps.has(step));
  }

  /**
   * Crashes the machine: a prefix of each directory's steps survives, a rename between
   * two directories only if both keep it; then every file that still has a name loses or
   * tears its unsynced bytes.
   */
  crash(random: () => number): void {
    const left = new Map<MemoryNode, number>();
    for (const directory of this.#journal.flatMap((step) => [...directoriesOf(step)])) {
      left.set(directory, (left.get(directory) ?? 0) + 1);
    }
    for (const [directory, count] of left) left.set(directory, part(random, count));
    for (const step of this.#journal) {
      const directories = directoriesOf(step);
      const keeps = [...directories].every((directory) => left.get(directory)! > 0);
      for (const directory of directories) {
        left.set(directory, keeps ? left.get(directory)! - 1 : 0);
      }
      if (keeps) put(step, "durable");
    }
    this.#journal = [];
    this.#numbers.clear();
    settle(this.root, random, new Set());
  }
}

function directoriesOf(step: Step): Set<MemoryNode> {
  return new Set(step.map(({ directory }) => directory));
}

function put(step: Step, where: "entries" | "durable"): void {
  for (const { directory, name, node } of step) {
    if (node) directory[where].set(name, node);
    else directory[where].delete(name);
  }
}

/** Makes the durable names visible, and crashes every named file once. */
function settle(directory: MemoryNode, random: () => number, done: Set<MemoryNode>): void {
  directory.entries = new Map(directory.durable);
  for (const node of directory.entries.values()) {
    if (done.has(node)) continue;
    done.add(node);
    if (node.kind === "file") node.content.crash(random);
    else settle(node, random, done);
  }
}
