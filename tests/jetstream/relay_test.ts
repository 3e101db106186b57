/**
 * Relays and senders of a stream, in processes of their own, with a real server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { cli } from "../support/cli/cli.ts";
import { startCli, type Surroundings, temporary } from "../support/cli/cli_support.ts";
import { test } from "../harness.ts";
import { openTestEngine } from "../support/jetstream/engine_fixture.ts";
import { startNats, withoutNats } from "../support/jetstream/nats_server.ts";
import { StreamLoad } from "../support/jetstream/stream_load.ts";
import { PROJECT } from "../support/mock_server/mock_requests.ts";
import { startRelayProcess } from "../support/relay/relay_process.ts";

const options = { skip: withoutNats, timeout: 120_000 };

const sending = (cwd: string, { url }: MockServer): Surroundings => ({
  cwd,
  env: { WF_TRACE_SERVER_URL: url, WANDB_API_KEY: "a-secret-key-0123456789" },
});

async function startSender(surroundings: Surroundings, log: string) {
  const sender = startCli(["flush", "--follow", "--json", "--log", log], surroundings);
  await sender.sees('"following"');
  return sender;
}

/** Asserts that only sent calls are stored. Repeated ones may have been stored twice. */
function assertSound({ store }: MockServer, load: StreamLoad): void {
  for (const { id } of store.calls(PROJECT)) assert.ok(load.sent.has(id));
}

test(
  "relay on a stream: what was answered outlives relays and senders that are killed",
  async () => {
    await using server = await startNats();
    await using place = await temporary();
    await using mock = await startMockServer();
    const log = `nats://${server.address}/KILLS`;
    // With a short lease, a dead sender is replaced soon.
    await (await openTestEngine(server.address, { server: mock.url }, "KILLS")).close();
    const surroundings = sending(place.path, mock);
    let relay = await startRelayProcess(surroundings, ["--log", log]);
    const senders = await Promise.all([0, 1].map(() => startSender(surroundings, log)));
    const load = new StreamLoad([relay.url]);
    load.start();
    await load.answered(30);
    relay.kill("SIGKILL");
    await relay.ended;
    relay = await startRelayProcess(surroundings, ["--log", log]);
    load.use([relay.url]);
    await load.answered(60);
    senders[0].kill("SIGKILL");
    await senders[0].ended;
    await load.answered(90);
    await load.finish();
    await mock.waitFor(() => load.isComplete(mock), { timeout: 60_000 });
    assertSound(mock, load);
    senders[1].kill("SIGTERM");
    relay.kill("SIGTERM");
    assert.equal((await senders[1].ended).code, 0);
    assert.equal((await relay.ended).code, 0);
    // Everything was removed from the stream.
    await using engine = await openTestEngine(server.address, {}, "KILLS");
    assert.equal((await engine.state()).messages, 0);
  },
  options,
);

test(
  "relay on a stream: while the engine is away it spools, and forwards what it spooled",
  async () => {
    await using server = await startNats();
    await using place = await temporary();
    await using mock = await startMockServer();
    const log = `nats://${server.address}/SPOOL`;
    const surroundings = sending(place.path, mock);
    let relay = await startRelayProcess(surroundings, ["--log", log]);
    const load = new StreamLoad([relay.url]);
    load.start();
    await load.answered(10);
    await server.kill();
    await relay.sees("writing to the disk");
    await load.answered(30);
    // The spool survives the relay.
    relay.kill("SIGKILL");
    await relay.ended;
    relay = await startRelayProcess(surroundings, ["--log", log]);
    load.use([relay.url]);
    await load.answered(50);
    await server.start();
    await relay.sees("writing to the stream again");
    await load.answered(60);
    await load.finish();
    const flushed = await cli(["flush", "--log", log, "--json"], surroundings);
    assert.equal(JSON.parse(flushed.out).done, true, flushed.out + flushed.err);
    assert.ok(load.isComplete(mock));
    assertSound(mock, load);
    relay.kill("SIGTERM");
    assert.equal((await relay.ended).code, 0);
  },
  options,
);

test(
  "relay on a stream: a full stream, and an engine away without a spool, refuse with 503",
  async () => {
    await using server = await startNats();
    await using place = await temporary();
    await using mock = await startMockServer();
    const log = `nats://${server.address}/FULL`;
    const settings = { server: mock.url, maxBytes: 200_000 };
    await (await openTestEngine(server.address, settings, "FULL")).close();
    const surroundings = sending(place.path, mock);
    const relay = await startRelayProcess(surroundings, ["--log", log, "--spool", "off"]);
    const load = new StreamLoad([relay.url]);
    load.start(4, 5_000);
    await load.refusals(503, 5);
    const refused = await fetch(`${relay.url}/call/start`, {
      method: "POST",
      body: JSON.stringify({ start: { project_id: PROJECT, text: "x".repeat(10_000) } }),
    });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "5");
    await refused.body?.cancel();
    const metrics = await (await fetch(`${relay.url}/metrics`)).text();
    assert.match(metrics, /refused.*status="503".* [1-9]/);
    const sender = await startSender(surroundings, log);
    await load.answered(load.calls.size + 20);
    await server.kill();
    await load.refusals(503, (load.refused.get(503) ?? 0) + 5);
    await server.start();
    await load.answered(load.calls.size + 5);
    await load.finish();
    await mock.waitFor(() => load.isComplete(mock), { timeout: 60_000 });
    assertSound(mock, load);
    for (const process of [sender, relay]) {
      process.kill("SIGTERM");
      assert.equal((await process.ended).code, 0);
    }
  },
  options,
);

test(
  "relay on a stream: --dry-run prints the plan, and a stream of others is refused",
  async () => {
    await using server = await startNats();
    await using place = await temporary();
    await using mock = await startMockServer();
    const surroundings = sending(place.path, mock);
    const log = `nats://${server.address}/PLAN`;
    const plan = (...args: string[]) =>
      cli(["relay", "--log", log, "--dry-run", ...args], surroundings);
    const before = await plan("--partitions", "2", "--max-log", "1");
    assert.equal(before.code, 0, before.err);
    assert.match(before.out, /2 partitions, 1 replica, 1\.1 GB.* dead letters: 1\.1 GB/);
    assert.match(before.out, /Would create: PLAN\n[^]*Would create: PLAN_DEAD/);
    await (await openTestEngine(server.address, { server: mock.url, partitions: 2 }, "PLAN"))
      .close();
    assert.match((await plan()).out, /Nothing to do/);
    assert.match((await plan("--max-log", "1")).out, /Would change maxBytes/);
    const dead = await plan("--max-dead-letters", "2");
    assert.match(dead.out, /Would change deadLetterBytes: 1073741824 becomes 2147483648/);
    const other = await plan("--partitions", "3");
    assert.equal(other.code, 2);
    assert.match(other.err, /it has 2 partitions, not 3/);
    const secret = await cli(
      ["flush", "--log", `nats://user:secret@${server.address}`],
      surroundings,
    );
    assert.equal(secret.code, 2);
    assert.doesNotMatch(secret.err, /user:secret/);
  },
  options,
);

test(
  "relay on a stream: large records are refused, and digests that it cannot know are the server's",
  async () => {
    await using server = await startNats();
    await using place = await temporary();
    await using mock = await startMockServer();
    const log = `nats://${server.address}`;
    const relay = await startRelayProcess(sending(place.path, mock), ["--log", log]);
    const post = async (path: string, body: unknown) => {
      const response = await fetch(relay.url + path, {
        method: "POST",
        body: JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    };
    const obj = { project_id: PROJECT, object_id: "large", val: "x".repeat(2_000_000) };
    const large = await post("/obj/create", { obj });
    assert.equal(large.status, 413, large.text);
    assert.match(large.text, /does not fit .* \d+ bytes at most\. Set max_payload .* 33MB or more/);
    assert.match(
      relay.err() + relay.out(),
      /take messages of 1\.\d MB at most: larger records are/,
    );
    const known = await post("/obj/create", { obj: { ...obj, val: { a: 1 } } });
    assert.match(known.text, /^\{"digest":"\w{43}"/);
    const own = { ...obj, val: { b: 1 }, builtin_object_class: "TestOnlyExample" };
    const passed = await post("/obj/create", { obj: own });
    assert.doesNotMatch(passed.text, /PROVISIONAL/);
    relay.kill("SIGTERM");
    assert.equal((await relay.ended).code, 0);
  },
  options,
);
