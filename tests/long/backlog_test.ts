import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "../harness.ts";
import { startChild } from "../support/processes/child_fixture.ts";
import type { BacklogPlan, BacklogResult } from "../support/wal/programs/backlog_child.ts";

const SEGMENTS = 10_000;
/** Maximum number of descriptors of the program. */
const LIMIT = 64;

test(
  `backlog: ${SEGMENTS} waiting segments under ulimit -n ${LIMIT} stay on disk, and leave descriptors free`,
  async () => {
    const place = mkdtempSync(join(tmpdir(), "weave-wal-backlog-"));
    try {
      const free: number[] = [];
      for (const segments of [10, SEGMENTS]) {
        const plan: BacklogPlan = { directory: join(place, String(segments)), segments };
        const child = startChild("support/wal/programs/backlog_child.ts", JSON.stringify(plan), {
          under: ["sh", "-c", `ulimit -n ${LIMIT}; exec "$0" "$@"`],
        });
        const line = await child.line("result ");
        const result = JSON.parse(line.slice("result ".length)) as BacklogResult;
        await child.ended;
        assert.deepEqual(result, {
          segments,
          log: "file",
          pendingRecords: segments,
          memoryRecords: 0,
          free: result.free,
          troubles: [],
        });
        free.push(result.free);
      }
      assert.ok(free[1] >= free[0] - 3, `${free.join(" and ")} descriptors are free`);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  },
  { timeout: 300_000 },
);
