/**
 * Relays that lower the limits of streams with messages, and that change settings side by side.
 *
 * @module
 */

import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { applyPlan } from "../../src/jetstream/nats/apply_plan.ts";
import { loadNats } from "../../src/jetstream/nats/modules.ts";
import { planStreams, type StreamSettings } from "../../src/jetstream/nats/stream_config.ts";
import { test } from "../harness.ts";
import { administrate } from "../support/jetstream/administrate.ts";
import { openTestEngine } from "../support/jetstream/engine_fixture.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import {
  feedback,
  openStreamFixture,
  refuse,
  type StreamFixture,
} from "../support/jetstream/stream_fixture.ts";

const NAME = "acme/chat";
const options = { skip: withoutNats };

type Settings = Omit<StreamSettings, "name">;

function open({ server: { address } }: StreamFixture, settings: Settings): Promise<void> {
  return openTestEngine(address, settings, "LOG").then((opened) => opened.close());
}

async function write(fixture: StreamFixture, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await fixture.write(NAME, [feedback(NAME, `f${n}`)]);
}

/** Plans a start with these settings, does something else, and applies the plan. */
async function withPlan(
  { server: { address } }: StreamFixture,
  settings: Settings,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const connection = await connect({ servers: address });
  try {
    const manager = await jetstreamManager(connection);
    const plan = await planStreams(manager, { ...settings, name: "LOG" });
    await meanwhile();
    await applyPlan(await loadNats(), manager, plan, settings);
  } finally {
    await connection.close();
  }
}

/** The limit of each stream. */
function limitsOf({ server: { address } }: StreamFixture): Promise<number[]> {
  return administrate(address, async ({ streams }) => {
    const infos = [await streams.info("LOG"), await streams.info("LOG_DEAD")];
    return infos.map(({ config }) => config.max_bytes);
  });
}

test(
  "limits: one that is lowered to less than the size of a stream and a tenth is refused",
  async () => {
    await using fixture = await openStreamFixture(1);
    const { engine, run } = fixture;
    await refuse(fixture, NAME, 5);
    await write(fixture, 5);
    const before = await limitsOf(fixture);
    const { bytes } = await engine.state();
    for (const maxBytes of [500, bytes - 1, bytes, Math.floor(bytes / 0.91)]) {
      await assert.rejects(open(fixture, { maxBytes }), {
        code: "ERR_INVALID_OPTION",
        message:
          /^Cannot limit stream LOG to \d+ bytes: it has \d+, and its oldest messages might /,
      });
    }
    await assert.rejects(
      open(fixture, { deadLetterBytes: 500 }),
      /Cannot limit stream LOG_DEAD to 500 bytes/,
    );
    assert.deepEqual(await limitsOf(fixture), before);
    assert.equal((await engine.state()).messages, 5);
    assert.equal((await run("dead-letters", "export")).out.trim().split("\n").length, 5);
    const least = Math.ceil(bytes / 0.9);
    await open(fixture, { maxBytes: least, deadLetterBytes: 100_000 });
    assert.deepEqual(await limitsOf(fixture), [least, 100_000]);
    assert.equal((await engine.state()).messages, 5);
  },
  options,
);

test("limits: one of a stream that is almost full is raised, whatever its size", async () => {
  await using fixture = await openStreamFixture(1);
  await write(fixture, 5);
  const { bytes } = await fixture.engine.state();
  await administrate(
    fixture.server.address,
    ({ streams }) => streams.update("LOG", { max_bytes: bytes }),
  );
  await open(fixture, { maxBytes: bytes + 1 });
  assert.equal((await limitsOf(fixture))[0], bytes + 1);
  assert.equal((await fixture.engine.state()).messages, 5);
}, options);

test(
  "limits: a stream that grows after it was planned to be lowered keeps its messages",
  async () => {
    await using fixture = await openStreamFixture(1);
    await write(fixture, 5);
    const { bytes } = await fixture.engine.state();
    const lowered = withPlan(fixture, { maxBytes: 2 * bytes }, () => write(fixture, 10));
    await assert.rejects(lowered, /Cannot limit stream LOG/);
    assert.equal((await fixture.engine.state()).messages, 15);
  },
  options,
);

const SIDE_BY_SIDE: readonly {
  readonly one: Settings;
  readonly other: Settings;
  readonly limits: readonly number[];
}[] = [
  { one: { deadLetterBytes: 2e6 }, other: { maxBytes: 3e6 }, limits: [3e6, 2e6] },
  { one: { maxBytes: 3e6 }, other: { deadLetterBytes: 2e6 }, limits: [3e6, 2e6] },
  { one: { deadLetterBytes: 3e6 }, other: { deadLetterBytes: 2e6 }, limits: [1e6, 3e6] },
];

for (const { one, other, limits } of SIDE_BY_SIDE) {
  const text = `${Object.keys(one)} after ${Object.keys(other)}`;
  test(
    `limits: relays that start side by side change only what they were given: ${text}`,
    async () => {
      await using fixture = await openStreamFixture(1, 1e6);
      await withPlan(fixture, one, () => open(fixture, other));
      assert.deepEqual(await limitsOf(fixture), limits);
    },
    options,
  );
}
