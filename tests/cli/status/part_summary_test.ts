import assert from "node:assert/strict";
import { summaryOf, writersOf } from "../../../src/cli/status/state/part_summary.ts";
import type { SegmentReport } from "../../../src/cli/status/state/part_report.ts";
import type { Writer } from "../../../src/wal/processes/process_status.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { tokenOf } from "../../support/wal/writer_fixture.ts";
import { test } from "../../harness.ts";

const SERVER = "http://server.test";

function writer(pid: number, changes: Partial<Writer> = {}): Writer {
  return {
    liveness: "dead",
    pid,
    host: "here",
    lastHeartbeat: 0,
    sends: true,
    server: SERVER,
    unnamed: false,
    ...changes,
  };
}

/** The report on a segment with one record of 100 bytes. */
function part(number: number, of: Writer, changes: Partial<SegmentReport> = {}): SegmentReport {
  const { stem } = formatStem(BigInt(number), tokenOf(of.pid!));
  const drainer = of.liveness === "alive" && of.sends
    ? { ...of, token: tokenOf(of.pid!), as: "writer" as const }
    : null;
  return {
    name: `${stem}.jsonl`,
    state: { stem, size: 100, checkpoint: { offset: 0 }, open: false, writer: of, drainer },
    pendingRecords: 1,
    pendingEstimated: false,
    pendingBytes: 100,
    oldest: 1_000 + number,
    ...changes,
  };
}

test("segments of ended writers are one group, however many there are", () => {
  const dead = Array.from({ length: 1_000 }, (_, pid) => part(pid, writer(pid)));
  const { groups, writers, pendingRecords, pendingBytes, oldest } = summaryOf(dead);
  assert.equal(groups.length, 1);
  assert.deepEqual([groups[0].files, groups[0].pendingRecords], [1_000, 1_000]);
  assert.deepEqual([pendingRecords, pendingBytes, oldest], [1_000, 100_000, 1_000]);
  assert.equal(writers.size, 1_000);
});

test("segments differ by server, sender, running writer, and whether records are pending", () => {
  const parts = [
    part(1, writer(1)),
    part(2, writer(2, { server: "http://other.test" })),
    part(3, writer(3, { liveness: "closed" })),
    part(4, writer(4, { liveness: "alive" })),
    part(5, writer(5, { liveness: "alive" })),
    part(6, writer(4, { liveness: "alive" })),
    part(7, writer(1), { pendingRecords: 0, pendingBytes: 0, oldest: null }),
  ];
  const { groups } = summaryOf(parts);
  assert.deepEqual(groups.map(({ files }) => files), [1, 1, 1, 2, 1, 1]);
  assert.deepEqual(groups.map(({ pendingBytes }) => pendingBytes), [100, 100, 100, 200, 100, 0]);
});

test("a writer counts once, in its most significant state", () => {
  const parts = [
    part(1, writer(1, { liveness: "closed" })),
    part(2, writer(1, { liveness: "alive" })),
    part(3, writer(2)),
  ];
  const summary = summaryOf(parts);
  const pids = [...writersOf(summary)].map(([liveness, all]) => [
    liveness,
    all.map(({ pid }) => pid),
  ]);
  assert.deepEqual(pids, [["alive", [1]], ["dead", [2]]]);
  const { files, pendingBytes } = summary.writers.get(tokenOf(1))!;
  assert.deepEqual([files, pendingBytes], [2, 200]);
});

test("an estimate and an invalid checkpoint of one segment are those of the project", () => {
  const { state } = part(2, writer(2));
  const invalid = { ...state, checkpoint: { offset: 0, invalidReason: "no number" } };
  const parts = [
    part(1, writer(1)),
    part(2, writer(2), { pendingEstimated: true, state: invalid }),
  ];
  const { pendingEstimated, invalidCheckpoint } = summaryOf(parts);
  assert.deepEqual([pendingEstimated, invalidCheckpoint], [true, "no number"]);
});
