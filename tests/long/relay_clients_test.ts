/**
 * Third-party clients, and a relay with faults: nothing that it acknowledged is lost, and
 * nothing is duplicated unless a process died.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { AppendFile } from "../../src/runtime/file_system.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { cli } from "../support/cli/cli.ts";
import { temporary } from "../support/cli/cli_support.ts";
import { passOn } from "../support/count_operations.ts";
import { RELAY_CLIENTS, type RelayClient } from "../support/relay/clients.ts";
import { Recorder } from "../support/relay/recorder.ts";
import { startRelay } from "../support/relay/relay_fixture.ts";
import { startRelayProcess } from "../support/relay/relay_process.ts";

/** Number of calls or spans of a client. */
const COUNT = 300;
/** Numbers of acknowledged starts, ends and spans after which a fault is injected. */
const SOON = 60, LATER = 180;
const SLOW = { timeout: 240_000 };

/** A disk that rejects writes to segments while it is full. */
function fillableDisk(): { runtime: Runtime; isFull: boolean } {
  const runtime = detectRuntime();
  const disk = { runtime, isFull: false };
  const files = passOn(runtime.files, (name, args, call) => {
    const result = call();
    if (name !== "openAppend" || !String(args[0]).endsWith(".jsonl")) return result;
    return passOn(result as AppendFile, (method, _, run) => {
      if (disk.isFull && method.startsWith("write")) {
        throw Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" });
      }
      return run();
    });
  });
  disk.runtime = { ...runtime, files };
  return disk;
}

/**
 * Checks that the server has everything that was acknowledged, and without duplicates
 * unless a process died.
 */
function judge(
  { store }: MockServer,
  client: RelayClient,
  recorder: Recorder,
  died: boolean,
): void {
  assert.ok(recorder.answered.size > SOON, `${recorder.answered.size} are answered`);
  assert.deepEqual(recorder.missing(store, client.project), []);
  const { conflicts, orphanEnds } = store.counts;
  assert.deepEqual({ conflicts, orphanEnds }, { conflicts: 0, orphanEnds: 0 });
  if (died) return;
  const { duplicateStarts, duplicateEnds, duplicateCompletes } = store.counts;
  assert.deepEqual([duplicateStarts, duplicateEnds, duplicateCompletes], [0, 0, 0]);
  const spans = store.spans(client.project).map(({ spanId }) => spanId);
  assert.equal(new Set(spans).size, spans.length);
}

for (const client of RELAY_CLIENTS) {
  const { name, skip } = client;

  test(
    `relay: with the server away all the time, what ${name} wrote arrives later, once`,
    async () => {
      await using server = await startMockServer();
      await using relay = await startRelay({ server: server.url });
      await using recorder = await Recorder.start();
      recorder.relay = relay.url;
      // Without the server, a program can only start if the project was seen before.
      await client.run(recorder.url, 0);
      await server.stop();
      await client.run(recorder.url, COUNT);
      await server.restart();
      await relay.stop(60_000);
      judge(server, client, recorder, false);
      assert.equal(recorder.refused, 0);
    },
    { ...SLOW, skip },
  );

  test(
    `relay: of what ${name} wrote nothing is lost when the relay is killed under load`,
    async () => {
      await using server = await startMockServer();
      await using place = await temporary();
      await using recorder = await Recorder.start();
      const surroundings = {
        cwd: place.path,
        env: { WF_TRACE_SERVER_URL: server.url, WANDB_API_KEY: "a-secret-key-0123456789" },
      };
      let relay = await startRelayProcess(surroundings);
      recorder.relay = relay.url;
      const ended = client.run(recorder.url, COUNT);
      for (const count of [SOON, LATER]) {
        await Promise.race([recorder.until(() => recorder.answered.size >= count), ended]);
        relay.kill("SIGKILL");
        recorder.relay = null;
        await relay.ended;
        relay = await startRelayProcess(surroundings);
        recorder.relay = relay.url;
      }
      await ended;
      relay.kill("SIGTERM");
      assert.equal((await relay.ended).code, 0);
      // Records of the killed relays may still be on disk.
      assert.equal((await cli(["flush"], surroundings)).code, 0);
      judge(server, client, recorder, true);
    },
    { ...SLOW, skip },
  );

  test(
    `relay: of what ${name} wrote nothing is lost or doubled when the disk is full for a while`,
    async () => {
      await using server = await startMockServer();
      const disk = fillableDisk();
      await using relay = await startRelay({ server: server.url, runtime: disk.runtime });
      await using recorder = await Recorder.start();
      recorder.relay = relay.url;
      const ended = client.run(recorder.url, COUNT);
      await Promise.race([recorder.until(() => recorder.answered.size >= SOON), ended]);
      disk.isFull = true;
      await Promise.race([recorder.until(() => recorder.refused >= 1), ended]);
      disk.isFull = false;
      await ended;
      await relay.stop(60_000);
      assert.ok(recorder.refused >= 1, "the disk was full");
      judge(server, client, recorder, false);
    },
    { ...SLOW, skip },
  );
}
