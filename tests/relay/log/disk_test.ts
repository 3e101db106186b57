/**
 * The disk of a relay: what an acknowledgment promises about it, and disk failures.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { AppendFile } from "../../../src/runtime/file_system.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { test } from "../../harness.ts";
import { passOn } from "../../support/count_operations.ts";
import { post, PROJECT, send } from "../../support/mock_server/mock_requests.ts";
import { startRelay } from "../../support/relay/relay_fixture.ts";

const object = (object_id: string) => ({ obj: { project_id: PROJECT, object_id, val: 1 } });

/** A disk whose segments can fail, and whose data syncs are counted and can be delayed. */
class Disk {
  /** Error code of the next writes and data syncs. */
  fault: string | null = null;
  syncs = 0;
  /** Number of segment bytes written, and covered by a data sync. */
  written = 0;
  synced = 0;
  /** Data syncs wait for this. */
  hold: Promise<void> = Promise.resolve();
  readonly runtime: Runtime;

  constructor() {
    const runtime = detectRuntime();
    const files = passOn(runtime.files, (name, args, call) => {
      const result = call();
      return name === "openAppend" && String(args[0]).endsWith(".jsonl")
        ? passOn(result as AppendFile, (method, _, run) => this.#call(method, run))
        : result;
    });
    this.runtime = { ...runtime, files };
  }

  #call(method: string, run: () => unknown): unknown {
    const { fault } = this;
    if (fault !== null && /^write|^dataSync/.test(method)) {
      const error = Object.assign(new Error(`${fault}: injected`), { code: fault });
      if (method === "dataSync") return Promise.reject(error);
      throw error;
    }
    if (method === "dataSync") return this.#sync(run as () => Promise<void>);
    const result = run();
    if (method === "write") this.written += (result as { written: number }).written;
    return result;
  }

  async #sync(run: () => Promise<void>): Promise<void> {
    this.syncs++;
    const { written } = this;
    await this.hold;
    await run();
    this.synced = Math.max(this.synced, written);
  }
}

test("relay: a response follows the data sync of its records, and many share one", async () => {
  await using server = await startMockServer();
  const disk = new Disk();
  await using relay = await startRelay({ server: server.url, runtime: disk.runtime });
  await post(relay, "/obj/create", object("first"));
  assert.equal(disk.synced, disk.written);
  let release = (): void => {};
  disk.hold = new Promise((resolve) => release = resolve);
  const before = disk.syncs;
  let answered = 0;
  const writes = Array.from({ length: 30 }, async (_, i) => {
    const { status } = await post(relay, "/obj/create", object(`object-${i}`));
    assert.equal(status, 200);
    answered++;
  });
  while (relay.relay.active < 30) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(answered, 0);
  release();
  await Promise.all(writes);
  assert.equal(disk.synced, disk.written);
  // One for the first write, and one for all that arrived meanwhile.
  assert.ok(disk.syncs - before <= 3, `${disk.syncs - before} syncs`);
});

test("relay: with --fsync interval a response does not wait for the sync", async () => {
  await using server = await startMockServer();
  const disk = new Disk();
  await using relay = await startRelay({
    server: server.url,
    runtime: disk.runtime,
    commit: "interval",
  });
  let release = (): void => {};
  disk.hold = new Promise((resolve) => release = resolve);
  assert.equal((await post(relay, "/obj/create", object("a"))).status, 200);
  assert.equal(disk.synced, 0);
  assert.ok(disk.written > 0);
  release();
});

test(
  "relay: a full disk refuses writes, loses none that was answered, and takes them again",
  async () => {
    await using server = await startMockServer();
    const disk = new Disk();
    await using relay = await startRelay({
      server: server.url,
      runtime: disk.runtime,
      recovers: true,
    });
    await server.stop();
    const answered: string[] = [];
    const write = async (name: string): Promise<number> => {
      const { status, headers } = await post(relay, "/obj/create", object(name));
      if (status === 200) answered.push(name);
      else assert.ok(Number(headers.get("retry-after")) > 0);
      return status;
    };
    assert.equal(await write("before"), 200);
    disk.fault = "ENOSPC";
    assert.equal(await write("full-1"), 503);
    assert.equal(await write("full-2"), 503);
    const ready = await send(`${relay.url}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(ready.json.reason, /ENOSPC/);
    disk.fault = null;
    assert.equal(await write("after"), 200);
    assert.equal((await send(`${relay.url}/readyz`)).status, 200);
    await server.restart();
    await server.waitFor(({ counts }) => counts.objects >= answered.length, { timeout: 25_000 });
    await relay.stop();
    const { objects } = server.store.project(PROJECT);
    assert.deepEqual([...objects.keys()].sort(), answered.sort());
    const errors = relay.events.filter(({ level }) => level === "error").map(({ name }) => name);
    assert.ok(errors.length > 0 && errors.every((name) => /^disk-/.test(name)), errors.join());
  },
  { timeout: 60_000 },
);

test("relay: 15 seconds after a disk failure it is ready again", async () => {
  await using server = await startMockServer();
  const disk = new Disk();
  let passedMs = 0;
  const clock = passOn(disk.runtime.clock, (name, _, call) => {
    const result = call();
    return name === "monotonic" ? (result as number) + passedMs : result;
  });
  await using relay = await startRelay({
    server: server.url,
    runtime: { ...disk.runtime, clock },
  });
  disk.fault = "EIO";
  assert.equal((await post(relay, "/obj/create", object("a"))).status, 503);
  assert.equal((await send(`${relay.url}/readyz`)).status, 503);
  passedMs = 15_000;
  assert.equal((await send(`${relay.url}/readyz`)).status, 200);
});
