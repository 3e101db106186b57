/**
 * A writer and a sender on two hosts that share a disk: the sender observes the writer
 * only through its heartbeats.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { MemoryClock } from "../simulated_runtime/memory_clock.ts";
import { MemoryHost } from "../simulated_runtime/memory_host.ts";
import { MemoryRuntime } from "../simulated_runtime/memory.ts";
import type { ListedSegment } from "../../../src/wal/orphans/directory_listing.ts";
import { STALE_AFTER_MS } from "../../../src/wal/processes/failure_detector.ts";
import { OrphanScanner } from "../../../src/wal/orphans/orphan_scanner.ts";
import { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import { parseStem, segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { lineOf, LogFixture } from "./log_fixture.ts";
import { LogWorld, PROJECT, SERVER, WAL } from "./wal_fixture.ts";

const HELD = { assertHeld() {}, ensureHeld() {} };

/** A writer on one host, and a sender on another that observes it only through its heartbeats. */
export class Apart {
  readonly world: LogWorld = new LogWorld();
  readonly writer: LogFixture;
  readonly sender: MemoryRuntime;
  readonly scanner: OrphanScanner;
  /** Lines that the sender read up to what it considered the end. */
  readonly read: string[] = [];
  #listed: ListedSegment | null = null;
  #segment: FileSegment | null = null;
  #sealed = false;

  /** @param clock Clock of the writer (default: the sender's). */
  constructor(sends: boolean, begun: boolean = true, clock: MemoryClock = this.world.clock) {
    const { disk } = this.world;
    const host = new MemoryHost({ name: "elsewhere", bootId: "other", pidNamespace: "pid:[9]" });
    this.writer = new LogFixture(
      { sender: sends, fsync: "never" },
      new MemoryRuntime({ disk, clock, host }),
    );
    const runtime = this.sender = this.world.process();
    this.scanner = new OrphanScanner({ runtime, root: WAL, server: SERVER, token: "e".repeat(32) });
    this.sender.files.makeDirectory(PROJECT);
    if (begun) this.writer.append("first");
    this.open();
  }

  /** Opens the first segment that the sender finds, and removes those without data. */
  open(): void {
    if (this.#segment !== null) return;
    const runtime = this.sender;
    for (const { directory, stem, writer, suffixes } of this.#list()) {
      const listed = this.#listed = { directory, stem, writer, suffixes };
      if (!suffixes.has(".jsonl")) {
        this.scanner.clear(listed);
        continue;
      }
      this.#segment = new FileSegment({
        runtime,
        directory,
        stem,
        paths: segmentPaths(directory, stem),
        guard: HELD,
        live: false,
        isSealed: () => this.scanner.isFinal(listed),
      });
      return;
    }
  }

  #list(): ListedSegment[] {
    const suffixes = new Map<string, Set<string>>();
    for (const { name } of this.sender.files.list(PROJECT)) {
      const dot = name.indexOf(".");
      const stem = name.slice(0, dot);
      suffixes.set(stem, (suffixes.get(stem) ?? new Set<string>()).add(name.slice(dot)));
    }
    return [...suffixes].sort().map(([stem, found]) => ({
      directory: PROJECT,
      stem,
      writer: parseStem(stem)!.writer,
      suffixes: found,
    }));
  }

  /** Suspends the writer while the sender runs. */
  silence(): void {
    this.open();
    this.judge(); // Lets the sender see the last heartbeat.
    this.world.clock.advance(STALE_AFTER_MS);
    this.open();
  }

  /** Lets the sender check whether the segment is final. */
  judge(): void {
    if (this.#listed && !this.#segment) this.scanner.isFinal(this.#listed);
    this.#sealed = this.#segment?.isSealed() ?? false;
  }

  /** Lets the sender read and send everything in the segment. */
  readToEnd(): void {
    if (!this.#sealed) return;
    const bytes = this.world.disk.bytes(`${PROJECT}/${this.#segment!.name}.jsonl`);
    const text = new TextDecoder().decode(bytes.subarray(0, this.#segment!.end()));
    this.read.push(...text.split("\n").slice(0, -1));
  }

  /** Lets the sender remove the segment. */
  complete(): void {
    if (this.#sealed) this.#segment!.complete();
  }

  /** All lines in which a record must be found if it is not lost. */
  all(): Set<string> {
    return new Set([...this.read, ...this.writer.texts().flatMap((text) => text.split("\n"))]);
  }

  assertThere(names: readonly string[], when: string): void {
    const all = this.all();
    for (const name of names) {
      assert.ok(all.has(lineOf(name).trimEnd()), `${name} is lost: ${when}`);
    }
  }
}
