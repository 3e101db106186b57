/**
 * The official TypeScript SDK through a relay: only the URL of its server is changed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { FakeOpenAi, SdkProject } from "../support/drop_in/register_fixture.ts";
import { snapshotOf } from "../support/drop_in/register_snapshot.ts";
import { RELAY_KEY, startRelay } from "../support/relay/relay_fixture.ts";

const SLOW = { timeout: 120_000 };
const TOKEN = "caller-token-0123456789abcdef0123456789";

/** Runs the SDK's program against a server or a relay; returns the values that it printed last. */
async function tour(
  openai: FakeOpenAi,
  env: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  using project = new SdkProject("0.11.1");
  const { code, lines, errors } = await project.run("tour.mjs", {
    preload: false,
    env: { FAKE_OPENAI: openai.url, ...env },
  });
  assert.equal(code, 0, errors);
  return JSON.parse(lines.at(-1)!);
}

test(
  "relay: a program of the TypeScript SDK sees and leaves the same as without the relay",
  async () => {
    await using openai = await FakeOpenAi.start();
    await using direct = await startMockServer();
    const expected = await tour(openai, { WF_TRACE_SERVER_URL: direct.url });
    await using server = await startMockServer({ apiKey: RELAY_KEY });
    await using relay = await startRelay({ server: server.url, tokens: [TOKEN] });
    const env = { WF_TRACE_SERVER_URL: relay.url, WANDB_API_KEY: TOKEN };
    assert.deepEqual(await tour(openai, env), expected);
    await relay.stop();
    assert.deepEqual(
      snapshotOf(server.store, "team/tour"),
      snapshotOf(direct.store, "team/tour"),
    );
  },
  SLOW,
);

test(
  "relay: with the server away for the whole run of the TypeScript SDK, all arrives later",
  async () => {
    await using openai = await FakeOpenAi.start();
    await using direct = await startMockServer();
    const expected = await tour(openai, { NO_READS: "1", WF_TRACE_SERVER_URL: direct.url });
    await using server = await startMockServer({ defaultEntity: "team" });
    await using relay = await startRelay({ server: server.url });
    await server.stop();
    const actual = await tour(openai, { NO_READS: "1", WF_TRACE_SERVER_URL: relay.url });
    assert.equal(server.journal.total, 0);
    await server.restart();
    await relay.stop(30_000);
    assert.match(String(actual.dataset), /questions:PROVISIONAL[0-9a-f]{32}$/);
    assert.deepEqual({ ...actual, dataset: expected.dataset }, expected);
    assert.deepEqual(
      snapshotOf(server.store, "team/tour"),
      snapshotOf(direct.store, "team/tour"),
    );
  },
  SLOW,
);
