import assert from "node:assert/strict";
import { MemoryDisk } from "../../support/simulated_runtime/memory_disk.ts";
import { Ledger, type SimRecord } from "../../sim/world/ledger.ts";
import { readRequest } from "../../sim/scenario/request.ts";
import { otherText } from "../../sim/scenario/records.ts";
import { Random } from "../../sim/scenario/random.ts";
import { test } from "../../harness.ts";

/** The records that the simulated server finds in a request with spans. */
function spansRequest(change: (one: Uint8Array, other: Uint8Array) => Uint8Array[]) {
  const ledger = new Ledger(new MemoryDisk());
  const random = new Random(3);
  const path = "/otel/v1/traces";
  const [one, other] = ["r1", "r2"].map((key) => {
    const made = otherText("span", { project: "e/p0", key, call: "c0", size: 200, random });
    const text = { ...made, spans: { ...made.spans!, path } };
    ledger.add(
      { key, kind: "span", text, line: key, project: 0 } as Partial<SimRecord> as SimRecord,
    );
    return text.spans.bytes;
  });
  const body = Uint8Array.from(change(one, other).flatMap((piece) => [...piece]));
  const headers = { "Content-Type": "application/x-protobuf", project_id: "e/p0" };
  const { records, trouble } = readRequest(ledger, 0, path, { body, headers });
  return { keys: records.map(({ key }) => key), isRight: trouble === null };
}

test("simulation: the server tells records of spans that are whole, also repeated ones, from altered ones", () => {
  const both = spansRequest((one, other) => [one, other]);
  assert.deepEqual(both, { keys: ["r1", "r2"], isRight: true });
  // A log writes a record again after a failed sync; both copies may be in one request.
  const twice = spansRequest((one, other) => [one, other, one]);
  assert.deepEqual(twice, { keys: ["r1", "r2", "r1"], isRight: true });
  for (
    const change of [
      () => [],
      (one: Uint8Array) => [one.subarray(0, -1)],
      (one: Uint8Array, other: Uint8Array) => [one.subarray(0, one.length / 2), other],
      (one: Uint8Array) => [one, one.map((byte, at) => at === one.length - 1 ? byte ^ 1 : byte)],
      (one: Uint8Array, other: Uint8Array) => [one, other, Uint8Array.of(10, 0)],
    ]
  ) assert.equal(spansRequest(change).isRight, false, String(change));
});
