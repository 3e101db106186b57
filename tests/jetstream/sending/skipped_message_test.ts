/**
 * A sender whose reader leaves out a message in the middle of what it reads.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { instead } from "../../sim/mutants/make.ts";
import type { StreamBug } from "../../sim/stream/stream_mutants.ts";
import { StreamWorld } from "../../sim/stream/stream_world.ts";

const decoder = new TextDecoder();

test("sender: a message that its reader left out is sent when the partition is idle", async () => {
  let left = 0;
  const bug: StreamBug = {
    name: "end-left-out",
    mistake: "the reader leaves out the first end of a call",
    breaks: [],
    seeds: 1,
    engine: (engine) =>
      instead(engine, {
        read(filter, from) {
          const reader = engine.read(filter, from);
          return instead(reader, {
            async next(most) {
              const found = await reader.next(most);
              return found.filter(({ payload }) =>
                left > 0 || !decoder.decode(payload).includes("ended_at") || left++ > 0
              );
            },
          });
        },
      }),
  };
  const world = new StreamWorld(1, 1_000_000, { bug });
  world.startRelay();
  const calls = ["c1", "c2", "c3", "c4"];
  for (const id of calls) void world.call(id);
  await world.pass(1_000, () => world.calling === 0);
  world.startSender();
  await world.pass(120_000, () => world.stream.messages.length === 0);
  assert.equal(left, 1);
  assert.deepEqual(world.violations, []);
  assert.equal(world.stream.messages.length, 0);
  for (const id of calls) assert.ok(world.server.has.has(`${id}:end`), id);
  world.kill("sender", 0);
  world.kill("relay", 0);
});
