/**
 * Tests with sixteen processes on one directory, across all runtimes.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChildRuntime } from "./child_fixture.ts";
import { type Crowd, senderOf } from "./processes_fixture.ts";

const RUNTIMES: readonly ChildRuntime[] = ["deno", "bun", "node"];

/** Sixteen processes write and send; each delivers its own records once. */
export async function deliverTheirOwn(crowd: Crowd): Promise<void> {
  crowd.ground.mock.faults.add({ delayMs: 5 });
  for (let n = 0; n < 16; n++) crowd.start({}, { runtime: RUNTIMES[n % 3] });
  await Promise.all(crowd.members.map(({ child }) => child.line("waits")));
  await crowd.finish();
  crowd.ground.compare(0);
  crowd.assertSentOnce();
  for (const [writer, entries] of crowd.requestsByWriter()) {
    for (const entry of entries) assert.equal(senderOf(entry), writer);
  }
  assert.equal(crowd.requestsByWriter().size, 16);
}

/** Six of sixteen processes are killed; the others deliver their records. */
export async function takeOverFromKilled(crowd: Crowd): Promise<void> {
  crowd.ground.mock.faults.add({ delayMs: 20 });
  for (let n = 0; n < 16; n++) crowd.start({ calls: 100 }, { runtime: RUNTIMES[n % 3] });
  const killed = crowd.members.filter((_, n) => n % 5 < 2).slice(0, 6);
  // Each is killed while it sends: the server has its first record, but not its last.
  for (const member of killed) {
    await crowd.until(() => crowd.hasSome(member));
    await crowd.kill(member);
  }
  assert.ok(!crowd.hasAll(killed), "they left something");
  await crowd.until(() => crowd.hasAll(killed));
  crowd.assertOneSenderEach();
  const takers = new Set(
    killed.flatMap(({ name }) => crowd.requestsByWriter().get(name)!.map(senderOf)),
  );
  assert.ok(takers.size > killed.length, "the living took it over, before any of them ended");
  await crowd.finish();
  // A file whose write was interrupted by a kill does not name its writer.
  await crowd.ground.recover();
  crowd.ground.compare(killed.length);
}
