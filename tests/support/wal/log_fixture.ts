/**
 * A file log in memory whose listener records events.
 *
 * @module
 */

import type { MemoryFault, MemoryOperation } from "../simulated_runtime/memory_process.ts";
import { MemoryRuntime } from "../simulated_runtime/memory.ts";
import { DiskQuota } from "../../../src/wal/quota/disk_quota.ts";
import { FileLog } from "../../../src/wal/log/file_log.ts";
import type { FileLogOptions } from "../../../src/wal/log/file_log_options.ts";
import type { LogListener } from "../../../src/wal/log/record_log.ts";
import { Presence } from "../../../src/wal/processes/presence.ts";
import type { Segment } from "../../../src/wal/segment/segment.ts";
import { PROJECT, SERVER, TOKEN, WAL } from "./wal_fixture.ts";

/** A log, its disk, and its events. */
export class LogFixture {
  readonly runtime: MemoryRuntime;
  readonly log: FileLog;
  readonly presence: Presence;
  readonly segments: Segment[] = [];
  readonly syncErrors: unknown[] = [];
  readonly unsupported: unknown[] = [];
  /** Operations on files, e.g. `write stem.jsonl`; the stem itself is omitted. */
  readonly operations: string[] = [];
  appends = 0;
  detached = 0;
  /** Makes operations fail. */
  fault: (operation: MemoryOperation) => MemoryFault | undefined = () => undefined;

  constructor(changes: Partial<FileLogOptions> = {}, runtime: MemoryRuntime = new MemoryRuntime()) {
    this.runtime = runtime;
    runtime.fault = (operation) => {
      const path = operation.path.replace(/.*_[0-9a-f]{32}/, "").replace(TOKEN, "TOKEN");
      this.operations.push(`${operation.kind} ${path}`);
      return this.fault(operation);
    };
    const listener: LogListener = {
      onSegment: (segment) => void this.segments.push(segment),
      onAppend: () => void this.appends++,
      onSyncError: (error) => void this.syncErrors.push(error),
      onSyncUnsupported: (error) => void this.unsupported.push(error),
      onDetached: () => void this.detached++,
    };
    const { files, clock } = runtime;
    const { writer: token = TOKEN, sender = true } = changes;
    this.presence = changes.presence ??
      new Presence({ runtime, root: WAL, token, server: SERVER, sender, report: () => null });
    this.log = new FileLog({
      runtime,
      root: WAL,
      directory: PROJECT,
      writer: token,
      presence: this.presence,
      sender,
      fsync: "interval",
      fsyncIntervalMs: 500,
      fsyncRecords: 64,
      segmentBytes: 64 * 1024 * 1024,
      quota: new DiskQuota({ files, clock, directory: PROJECT, maxBytes: 1e12 }),
      listener,
      ...changes,
    });
  }

  /** Appends `{"n":"<name>"}`. */
  append(name: string): void {
    this.log.append("obj_create", JSON.stringify({ n: name }));
  }

  /** Simulates two seconds of the process: a heartbeat, then a check of its log. */
  heartbeat(): void {
    this.presence.tryHeartbeat();
    this.log.heartbeat();
  }

  /** Names in the project's directory, without the part that identifies the writer. */
  names(): string[] {
    const { fault } = this.runtime;
    this.runtime.fault = undefined;
    const names = this.runtime.files.list(PROJECT).map(({ name }) => name).sort();
    this.runtime.fault = fault;
    return names;
  }

  /** The texts of all data files, oldest first. */
  texts(): string[] {
    return this.names().filter((name) => name.endsWith(".jsonl")).map((name) =>
      new TextDecoder().decode(this.runtime.disk.bytes(`${PROJECT}/${name}`))
    );
  }

  /** Operations of one kind since the last call, in order. */
  took(kind: string): string[] {
    return this.operations.splice(0).filter((text) => text.startsWith(`${kind} `));
  }
}

/** The line of a record appended by `LogFixture.append`. */
export function lineOf(name: string): string {
  return `{"type":"obj_create","req":${JSON.stringify({ n: name })}}\n`;
}
