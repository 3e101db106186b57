import assert from "node:assert/strict";
import { InFlightQueue, MAX_IN_FLIGHT_BATCHES } from "../../src/delivery/drain/in_flight_queue.ts";
import { test } from "../harness.ts";

test("in flight: the number of concurrent batches is limited", async () => {
  const queue = new InFlightQueue();
  const done: (() => void)[] = [];
  const batch = {
    independent: true,
    send: () => new Promise<[]>((resolve) => done.push(() => resolve([]))),
    delivered: () => [],
  };
  for (let sent = 0; sent < MAX_IN_FLIGHT_BATCHES; sent++) {
    await queue.waitForSlot(batch);
    queue.send(batch, async () => {}, () => {});
  }
  let hasSlot = false;
  const slot = queue.waitForSlot(batch).then(() => hasSlot = true);
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  assert.equal(hasSlot, false);
  done[0]();
  await slot;
  assert.equal(done.length, MAX_IN_FLIGHT_BATCHES);
});
