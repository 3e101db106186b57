/**
 * Mutations of `src/wal/log`.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";

const WRITER = "wal/log/file_log_test.ts";
const FAILOVER = "wal/log/failover_log_test.ts";
const QUOTA = "wal/quota/disk_quota_test.ts";
const POLICY = "wal/quota/quota_policy_test.ts";
const MEMORY = "wal/log/memory_log_test.ts";
const FENCE = "wal/leases/fence_test.ts";

/** The mutations of `src/wal/log`. */
export const WAL_LOG_MUTATIONS: readonly Mutation[] = [
  {
    file: "src/wal/log/segment_writer.ts",
    mistake: "a short write is not completed",
    find: "if (result.written !== length) {",
    replace: "if (result.written > length) {",
    tests: [WRITER, "wal/log/disk_error_test.ts"],
  },
  {
    file: "src/wal/log/segment_writer.ts",
    mistake: "a record that was cut short stays in the segment",
    find: `    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#size += length;`,
    replace: `    } catch (error) {
      throw error;
    }
    this.#size += length;`,
    tests: [WRITER, "wal/log/disk_error_test.ts"],
  },
  {
    file: "src/wal/log/segment_writer.ts",
    mistake: "a fence is not seen after a suspension",
    find: "if (isFenced(this.#files, this.paths) || this.isDetached()) return false;",
    replace: "if (this.isDetached()) return false;",
    tests: [FENCE],
  },
  {
    file: "src/wal/log/segment_writer.ts",
    mistake: "a removed segment is not noticed",
    find: "if (isFenced(this.#files, this.paths) || this.isDetached()) return false;",
    replace: "if (isFenced(this.#files, this.paths)) return false;",
    tests: [FENCE, WRITER],
  },
  {
    file: "src/wal/log/segment_writer.ts",
    mistake: "the synced offset goes back",
    find: "this.#synced = Math.max(this.#synced, offset);",
    replace: "this.#synced = Math.min(this.#synced, offset);",
    tests: ["wal/log/fsync_scheduler_test.ts", "wal/log/fsync_failures_test.ts", WRITER],
  },
  {
    file: "src/wal/log/failover_log.ts",
    mistake: "a full quota counts as a disk error",
    find: 'if (hasCode(error, "ERR_LOG_FULL")) throw error;',
    replace: "",
    tests: [FAILOVER, QUOTA, POLICY],
  },
  {
    file: "src/wal/log/failover_log.ts",
    mistake: "a failed disk is tried at every append",
    find: "if (!this.#failed || clock.monotonic() >= this.#retryAt) {",
    replace: "if (!this.#failed || clock.monotonic() < this.#retryAt + 1e9) {",
    tests: [FAILOVER],
  },
  {
    file: "src/wal/log/failover_log.ts",
    mistake: "sync resolves while records are only in memory",
    find: "if (waiting > 0) throw new Error(",
    replace: "if (waiting < 0) throw new Error(",
    tests: [FAILOVER],
  },
  {
    file: "src/wal/log/failover_log.ts",
    mistake: "records in memory are moved to the disk though they are being sent",
    find: "if (!sender) memory.moveTo(disk);",
    replace: "memory.moveTo(disk);",
    tests: [FAILOVER, "wal/log/disk_error_test.ts"],
  },
  {
    file: "src/wal/quota/disk_quota.ts",
    mistake: "characters count as one byte",
    find: "if (this.used + line.length * 3 <= maxBytes) return;",
    replace: "if (this.used + line.length <= maxBytes) return;",
    tests: [QUOTA, POLICY],
  },
  {
    file: "src/wal/quota/disk_quota.ts",
    mistake: "what is appended during a count is forgotten",
    find: "this.#added -= before;",
    replace: "this.#added = 0;",
    tests: [QUOTA, POLICY],
  },
  {
    file: "src/wal/quota/disk_quota.ts",
    mistake: "the quota is never counted again",
    find: "if (!isRecent && this.#counting === null) void this.recount();",
    replace: "",
    tests: [QUOTA, POLICY],
  },
  {
    file: "src/wal/log/memory_log.ts",
    mistake: "the limit of bytes is ignored",
    find: " || this.#segment.bytes + line.length > maxBytes",
    replace: "",
    tests: [MEMORY],
  },
  {
    file: "src/wal/log/memory_log.ts",
    mistake: "acknowledged records stay in memory",
    find: "this.#blocks = this.#blocks.filter((block) => block.base + block.used > offset);",
    replace: "",
    tests: [MEMORY],
  },
  {
    file: "src/wal/log/memory_log.ts",
    mistake: "a byte order mark in a record is lost when it moves to the disk",
    find: 'new TextDecoder("utf-8", { ignoreBOM: true })',
    replace: "new TextDecoder()",
    tests: [MEMORY],
    harmless:
      "a request begins with a brace, so no byte order mark is at the start of a decoded text",
  },
];
