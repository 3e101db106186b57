import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { countOperations } from "../../support/count_operations.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";

test("counted files work as before and count every call", async () => {
  const { files: inner } = new MemoryRuntime();
  const files = countOperations(inner);
  files.makeDirectory("/logs");
  const file = files.openAppend("/logs/a");
  file.write("one\n");
  file.write("two\n");
  await file.dataSync();
  file.close();
  const reader = files.openRead("/logs/a");
  assert.equal(await reader.read(0, new Uint8Array(20)), 8);
  assert.equal(files.readText("/logs/a", { maxBytes: 8 }), "one\ntwo\n");
  assert.throws(() => files.readText("/logs/none"));
  for await (const entries of files.scan("/logs")) assert.equal(entries.length, 1);
  await files.removeInBackground(["/logs/a", "/logs/b"]);
  assert.deepEqual(files.counts, {
    makeDirectory: 1,
    openAppend: 1,
    "file.write": 2,
    "file.dataSync": 1,
    "file.close": 1,
    openRead: 1,
    "file.read": 1,
    readText: 2,
    scan: 1,
    removeInBackground: 2,
  });
  assert.equal(inner.stat("/logs/a"), null);
});
