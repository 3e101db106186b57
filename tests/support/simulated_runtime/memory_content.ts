/**
 * The content of a simulated file: the bytes visible to programs, the durable bytes, and
 * the effect of a machine crash on the difference.
 *
 * @module
 */

/** Bytes that become durable atomically. */
const SECTOR_BYTES = 512;

interface Write {
  readonly kind: "write";
  readonly offset: number;
  readonly bytes: Uint8Array;
}
interface Truncate {
  readonly kind: "truncate";
  readonly size: number;
}
type Change = Write | Truncate;

/** Bytes of a file; unwritten ones are zero. */
class Image {
  #bytes = new Uint8Array(0);
  size = 0;

  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.resize(Math.max(this.size, offset + bytes.length));
    this.#bytes.set(bytes, offset);
  }

  resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2, 256));
      grown.set(this.view);
      this.#bytes = grown;
    }
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    this.size = size;
  }

  apply(change: Change): void {
    if (change.kind === "write") this.write(change.offset, change.bytes);
    else this.resize(change.size);
  }
}

/** The content of one file. */
export class MemoryContent {
  #seen = new Image();
  #durable = new Image();
  /** Changes that are not durable yet, oldest first. */
  #pending: Change[] = [];
  /**
   * Number of changes ever removed from `#pending`; added to its length, it numbers the
   * changes.
   */
  #settled = 0;

  /** Size in bytes, as seen by programs. */
  get size(): number {
    return this.#seen.size;
  }

  /** The bytes visible to programs; valid until the next change. */
  get view(): Uint8Array {
    return this.#seen.view;
  }

  /** The durable bytes; valid until the next sync. */
  get durable(): Uint8Array {
    return this.#durable.view;
  }

  /** Reads up to `into.length` bytes at `offset`. */
  read(offset: number, into: Uint8Array): number {
    const found = this.#seen.view.subarray(offset, offset + into.length);
    into.set(found);
    return found.length;
  }

  /** Appends bytes. */
  append(bytes: Uint8Array): void {
    this.#change({ kind: "write", offset: this.size, bytes: bytes.slice() });
  }

  /** Truncates, or extends with zeros. */
  truncate(size: number): void {
    if (size !== this.size) this.#change({ kind: "truncate", size });
  }

  #change(change: Change): void {
    this.#seen.apply(change);
    this.#pending.push(change);
  }

  /** A mark after all changes so far, for {@linkcode sync} and {@linkcode forget}. */
  mark(): number {
    return this.#settled + this.#pending.length;
  }

  /** Makes all changes up to `mark` durable. */
  sync(mark: number): void {
    for (const change of this.#take(mark)) this.#durable.apply(change);
  }

  /**
   * Mimics Linux when a sync fails: the pages count as clean, so that the bytes stay
   * readable but no later sync writes them.
   */
  forget(mark: number): void {
    for (const change of this.#take(mark)) {
      if (change.kind === "truncate") this.#durable.apply(change);
    }
  }

  #take(mark: number): Change[] {
    const taken = this.#pending.splice(0, Math.max(0, mark - this.#settled));
    this.#settled += taken.length;
    return taken;
  }

  /**
   * Crashes the machine: synced bytes stay; the rest is lost, kept or torn. Each sector
   * has its state after some prefix of the pending changes, and the file has its size
   * after another prefix, so that missing bytes read as zeros.
   */
  crash(random: () => number): void {
    const changes = this.#pending;
    const fate = random();
    if (fate >= 0.25 && fate < 0.5) {
      for (const change of changes) this.#durable.apply(change);
    } else if (fate >= 0.5) {
      this.#tear(changes, random);
    }
    this.#settled += changes.length;
    this.#pending = [];
    this.#seen = new Image();
    this.#seen.write(0, this.#durable.view);
  }

  #tear(changes: Change[], random: () => number): void {
    const sized = Math.floor(random() * (changes.length + 1));
    // A sector cannot contain data written after a truncation that did not become
    // durable.
    const cut = changes.findIndex(({ kind }, index) => index >= sized && kind === "truncate");
    const limit = cut < 0 ? changes.length : cut;
    const size = this.#tornSize(changes, sized, limit, random);
    const versions = new Map<number, number>();
    changes.slice(0, limit).forEach((change, index) => {
      if (change.kind === "truncate") return this.#durable.apply(change);
      for (const { offset, bytes } of sectors(change)) {
        const sector = Math.floor(offset / SECTOR_BYTES);
        let version = versions.get(sector);
        if (version === undefined) versions.set(sector, version = part(random, limit));
        if (index < version) this.#durable.write(offset, bytes);
      }
    });
    this.#durable.resize(size);
  }

  /** The size after `sized` changes, and sometimes after some sectors of the next one. */
  #tornSize(changes: Change[], sized: number, limit: number, random: () => number): number {
    let size = this.#durable.size;
    for (const change of changes.slice(0, sized)) {
      size = change.kind === "truncate"
        ? change.size
        : Math.max(size, change.offset + change.bytes.length);
    }
    const next = changes[sized];
    if (sized >= limit || next.kind !== "write" || random() < 0.5) return size;
    const pieces = [...sectors(next)];
    const last = pieces[Math.floor(random() * pieces.length)];
    return Math.max(size, last.offset);
  }
}

/** Number of `count` changes became durable: often none or all. */
export function part(random: () => number, count: number): number {
  const fate = random();
  if (fate < 0.25) return 0;
  if (fate < 0.6) return count;
  return Math.floor((fate - 0.6) / 0.4 * (count + 1));
}

/** Splits a write at the sector boundaries. */
function* sectors({ offset, bytes }: Write): Generator<{ offset: number; bytes: Uint8Array }> {
  for (let done = 0; done < bytes.length;) {
    const at = offset + done;
    const piece = bytes.subarray(done, done + SECTOR_BYTES - at % SECTOR_BYTES);
    yield { offset: at, bytes: piece };
    done += piece.length;
  }
}
