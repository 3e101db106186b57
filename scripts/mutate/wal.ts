/**
 * Mutations of `src/wal` outside of `log`.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";

const CHECKPOINT = "wal/segment/checkpoint_test.ts";
const DETECTOR = "wal/processes/failure_detector_test.ts";
const LEASE = "wal/leases/lease_test.ts";
const FENCE = "wal/leases/fence_test.ts";
const IDENTITY = "wal/processes/process_identity_test.ts";
const STATES = "wal/orphans/writer_state_test.ts";
const NAMES = "wal/segment/segment_name_test.ts";
const RECORD = "wal/record/record_test.ts";
const SHARED = "delivery/calls/shared_calls_test.ts";
const DEAD_LETTERS = "wal/dead_letters/dead_letter_file_test.ts";

/** The mutations of `src/wal` outside of `log`. */
export const WAL_MUTATIONS: readonly Mutation[] = [
  {
    file: "src/wal/segment/checkpoint.ts",
    mistake: "a checkpoint past the end is trusted",
    find: "if (offset > size) return",
    replace: "if (offset > size + 1e9) return",
    tests: [CHECKPOINT],
  },
  {
    file: "src/wal/segment/checkpoint.ts",
    mistake: "a checkpoint inside a record is trusted",
    find: "if (offset > 0 && !startsLine(offset)) {",
    replace: "if (offset < 0 && !startsLine(offset)) {",
    tests: [CHECKPOINT],
  },
  {
    file: "src/wal/segment/checkpoint.ts",
    mistake: "a checkpoint with other text is read as a number",
    find: "/^\\s*\\d{1,15}\\s*$/",
    replace: "/^\\s*\\d{1,15}/",
    tests: [CHECKPOINT],
  },
  {
    file: "src/wal/processes/failure_detector.ts",
    mistake: "a process is presumed dead at first sight",
    find: "if (!seen || seen.modified",
    replace: "if (seen && seen.modified",
    tests: [DETECTOR],
  },
  {
    file: "src/wal/processes/failure_detector.ts",
    mistake: "an old file shortens the watch of a recent one",
    find: "reference - stat.modified > ABANDONED_AFTER_MS",
    replace: "reference - stat.modified > 0",
    tests: [DETECTOR],
  },
  {
    file: "src/wal/processes/failure_detector.ts",
    mistake: "a replaced file with the same time counts as no heartbeat",
    find: " || seen.id !== stat.id",
    replace: "",
    tests: [DETECTOR],
  },
  {
    file: "src/wal/processes/failure_detector.ts",
    mistake: "a file is new until the clock, which was set back, has caught up",
    find: "Math.abs(now - modified) > ms",
    replace: "now - modified > ms",
    tests: ["wal/orphans/orphan_scanner_test.ts"],
  },
  {
    file: "src/wal/leases/fence.ts",
    mistake: "a fence that exists is an error",
    find: 'if (!hasCode(error, "EEXIST")) throw error;',
    replace: "throw error;",
    tests: [FENCE],
  },
  {
    file: "src/wal/leases/fence.ts",
    mistake: "a writer ignores its fence",
    find: "if (!isFenced(this.#files, this.#paths)) return;",
    replace: "return;",
    tests: [FENCE],
  },
  {
    file: "src/wal/leases/lease.ts",
    mistake: "a lease that was taken over counts as held",
    find: "if (this.#files.stat(this.#prefix + (this.#epoch + 1)) !== null) return false;",
    replace: "",
    tests: [LEASE],
  },
  {
    file: "src/wal/leases/lease.ts",
    mistake: "the lease of another process counts as held",
    find: "return value?.token === this.#token;",
    replace: "return value !== null;",
    tests: [LEASE],
  },
  {
    file: "src/wal/leases/lease.ts",
    mistake: "a lease is taken though its holder came back",
    find: "confirmed = expired === null || stillExpired(expired);",
    replace: "confirmed = true;",
    tests: [LEASE],
  },
  {
    file: "src/wal/leases/lease.ts",
    mistake: "older epochs stay on disk",
    find: "if (older < epoch) removeIfPossible(files, prefix + older);",
    replace: "",
    tests: [LEASE],
  },
  {
    file: "src/wal/leases/lease.ts",
    mistake: "a released lease counts as fresh",
    find: "return !this.#released && this.#clock.monotonic() - this.#heldAt <= LEASE_MS;",
    replace: "return this.#clock.monotonic() - this.#heldAt <= LEASE_MS;",
    tests: [LEASE],
  },
  {
    file: "src/wal/processes/process_identity.ts",
    mistake: "a PID of before a reboot counts",
    find: 'if (identity.bootId !== process.bootId) return "unknown";',
    replace: "",
    tests: [IDENTITY],
  },
  {
    file: "src/wal/processes/process_identity.ts",
    mistake: "a PID of another container counts",
    find: "if (identity.pidNamespace !== process.pidNamespace || identity.host",
    replace: "if (identity.host",
    tests: [IDENTITY],
  },
  {
    file: "src/wal/processes/process_identity.ts",
    mistake: "a reused PID is the process of before",
    find: 'return identity.startTime === found.startTime ? "alive" : "dead";',
    replace: 'return "alive";',
    tests: [IDENTITY],
  },
  {
    file: "src/wal/orphans/writer_state.ts",
    mistake: "segments for another server are drained",
    find: 'return this.isTarget(writer) ? this.#ofProcess(writer) : "kept";',
    replace: "return this.#ofProcess(writer);",
    tests: [STATES],
  },
  {
    file: "src/wal/orphans/writer_state.ts",
    mistake: "a process without a presence file is dead at once",
    find: 'return clock.monotonic() - since >= STALE_AFTER_MS ? "presumed-dead" : "watched";',
    replace: 'return since >= 0 ? "presumed-dead" : "watched";',
    tests: [STATES],
  },
  {
    file: "src/wal/orphans/writer_state.ts",
    mistake: "a process that sends itself is drained by others",
    find: 'const state = !presence.sender ? "write-only" : isAlive ? "kept" : "watched";',
    replace: 'const state = !presence.sender || isAlive ? "write-only" : "watched";',
    tests: [STATES],
  },
  {
    file: "src/wal/segment/project_directory.ts",
    mistake: "a name that begins with a dot is accepted",
    find: 'if (name.startsWith(".")) return refuse("starts with a dot");',
    replace: "",
    tests: [NAMES],
  },
  {
    file: "src/wal/segment/project_directory.ts",
    mistake: "two long names with the same start share a directory",
    find: "const digest = sha256(encoder.encode(name)).subarray(0, 16);",
    replace: "const digest = sha256(encoder.encode(name.slice(0, 9))).subarray(0, 16);",
    tests: [NAMES, "cli/logs/long_names_test.ts"],
  },
  {
    file: "src/wal/record/record.ts",
    mistake: "a line without its last brace is a record",
    find: "bytes[end - 1] === END_BRACE && bytes[end - 2] === END_BRACE &&",
    replace: "bytes[end - 2] === END_BRACE &&",
    tests: [RECORD, "wal/record/batch_reader_test.ts"],
  },
  {
    file: "src/wal/record/record.ts",
    mistake: "a record with invalid UTF-8 is valid",
    find: 'new TextDecoder("utf-8", { fatal: true })',
    replace: 'new TextDecoder("utf-8")',
    tests: [RECORD, "wal/tear/tear_test.ts"],
  },
  {
    file: "src/wal/record/record.ts",
    mistake: "a record of an unknown type is of the last known one",
    find: "if (code === -1 || bytes[request.start] !== BRACE) return null;",
    replace: "if (bytes[request.start] !== BRACE) return null;",
    tests: [RECORD],
  },
  {
    file: "src/wal/record/batch_reader.ts",
    mistake: "a half-written last line is skipped, and is not dead-lettered",
    find: 'else batch.corrupt.push(corruptLine("torn", offset, bytes.slice(from, to)));',
    replace: "",
    tests: ["wal/record/batch_reader_test.ts", "wal/tear/tear_test.ts"],
  },
  {
    file: "src/wal/dead_letters/dead_letter_file.ts",
    mistake: "a torn entry swallows the next one",
    find: 'if (last[0] !== 10) writeAll(file, encoder.encode("\\n"));',
    replace: "",
    tests: [DEAD_LETTERS],
  },
  {
    file: "src/wal/dead_letters/dead_letter_file.ts",
    mistake: "part of an entry stays when the disk is full",
    find: "file.truncate(size);",
    replace: "",
    tests: [DEAD_LETTERS],
  },
  {
    file: "src/wal/dead_letters/dead_letter_file.ts",
    mistake: "dead letters are not synced",
    find: `      await file.dataSync();
      this.#unsure = false;`,
    replace: "      this.#unsure = false;",
    tests: [DEAD_LETTERS],
  },
  {
    file: "src/wal/orphans/writer_state.ts",
    mistake: "the log of a relay looks like that of any process",
    find: "this.#sharing.set(token, presence.sharesCalls);",
    replace: "this.#sharing.set(token, false);",
    tests: [SHARED],
  },
  {
    file: "src/wal/orphans/writer_state.ts",
    mistake: "an end does not wait if the presence file of its process is lost",
    find: "return presence === null || presence.sharesCalls;",
    replace: "return presence !== null && presence.sharesCalls;",
    tests: [SHARED],
  },
  {
    file: "src/wal/open_calls/close_interrupted.ts",
    mistake: "calls stay open if their log cannot be read at the first attempt",
    find: "await foldWriter(this.#runtime, stems);",
    replace: "await foldWriter(this.#runtime, stems).catch(() => null);",
    tests: ["wal/open_calls/close_interrupted_test.ts"],
  },
];
