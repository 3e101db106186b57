import assert from "node:assert/strict";
import { MetadataCache } from "../../../src/client/server/metadata_cache.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";

const SERVER = "https://trace.example.com";

test("metadata cache: a later process finds the facts of an earlier one, for the same server only", () => {
  const runtime = new MemoryRuntime();
  new MetadataCache(runtime, SERVER, "/wal").set("projects", "team/a", "1");
  const later = new MetadataCache(runtime, SERVER, "/wal");
  assert.equal(later.get("projects", "team/a"), "1");
  assert.equal(later.get("entities", "team/a"), undefined);
  assert.equal(later.get("projects", "toString"), undefined);
  const other = new MetadataCache(runtime, "https://other.example.com", "/wal");
  assert.equal(other.get("projects", "team/a"), undefined);
});

test("metadata cache: processes that learn at the same time keep each other's facts", () => {
  const runtime = new MemoryRuntime();
  const first = new MetadataCache(runtime, SERVER, "/wal");
  const second = new MetadataCache(runtime, SERVER, "/wal");
  const other = new MetadataCache(runtime, "https://other.example.com", "/wal");
  first.set("projects", "team/a", "1");
  second.set("projects", "team/b", "2");
  other.set("entities", "key", "team");
  first.set("entities", "key", "mine");
  const later = new MetadataCache(runtime, SERVER, "/wal");
  assert.equal(later.get("projects", "team/a"), "1");
  assert.equal(later.get("projects", "team/b"), "2");
  assert.equal(later.get("entities", "key"), "mine");
  assert.equal(
    new MetadataCache(runtime, "https://other.example.com", "/wal").get("entities", "key"),
    "team",
  );
});

test("metadata cache: a corrupt or unwritable file costs only the memory of later processes", () => {
  const runtime = new MemoryRuntime();
  runtime.files.makeDirectory("/wal");
  for (const text of ["{", "null", "7", "[]"]) {
    runtime.files.replace("/wal/.known.json", text);
    const facts = new MetadataCache(runtime, SERVER, "/wal");
    assert.equal(facts.get("projects", "team/a"), undefined, text);
    facts.set("projects", "team/a", "1");
    assert.equal(new MetadataCache(runtime, SERVER, "/wal").get("projects", "team/a"), "1", text);
  }
  const none = new MetadataCache(runtime, SERVER, null);
  none.set("projects", "team/b", "2");
  assert.equal(none.get("projects", "team/b"), "2");
});
