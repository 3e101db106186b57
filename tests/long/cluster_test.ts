/**
 * A cluster of three real servers whose nodes, relays and senders are killed and
 * suspended in any order.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "../harness.ts";
import { oneFaultOfEachKind } from "../support/jetstream/cluster_scenario.ts";
import { openTestEngine, type TestEngine } from "../support/jetstream/engine_fixture.ts";
import { Fleet, STREAM } from "../support/jetstream/fleet.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import { TcpProxy } from "../support/jetstream/tcp_proxy.ts";
import { partitionFilter, recordSubject } from "../../src/jetstream/subjects.ts";

const options = { skip: withoutNats, timeout: 600_000 };
const ROUNDS = 16;
const CALLERS = 8;

/** Numbers in [0, 1) determined by a seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Faults, by name. */
const FAULTS: Readonly<Record<string, (fleet: Fleet, random: () => number) => Promise<void>>> = {
  relay: (fleet, random) => fleet.replaceRelay(Math.floor(random() * fleet.relays.length)),
  sender: (fleet) => fleet.replaceSender(),
  node: async (fleet, random) => {
    const node = fleet.cluster.nodes[Math.floor(random() * fleet.cluster.nodes.length)];
    await fleet.someoneDied();
    await node.kill(random() < 0.5 ? "SIGKILL" : "SIGTERM");
    await fleet.load.more(10);
    await node.start();
    await fleet.cluster.isCurrent(STREAM);
  },
  frozen: async (fleet) => {
    const leader = await fleet.cluster.leader(STREAM);
    await fleet.someoneDied();
    leader.signal("SIGSTOP");
    await fleet.load.more(10);
    leader.signal("SIGCONT");
    await fleet.cluster.isCurrent(STREAM);
  },
};

test(
  "cluster: one fault of each kind loses nothing that was answered",
  oneFaultOfEachKind,
  options,
);

test(`cluster: ${ROUNDS} faults in a row lose nothing that was answered`, async () => {
  const seed = Date.now() % 1_000_000;
  const random = randomOf(seed);
  await using fleet = await Fleet.start({ relayArgs: ["--spool", "off"], senders: 3 });
  fleet.load.start(CALLERS);
  await fleet.load.answered(50);
  const names = Object.keys(FAULTS);
  const done: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const name = names[Math.floor(random() * names.length)];
    done.push(name);
    await FAULTS[name](fleet, random);
    await fleet.load.more(20);
  }
  console.log(`cluster faults from seed ${seed}: ${done.join(", ")}`);
  await fleet.assertWhole();
}, options);

const ENDS = {
  "a rolling restart of all nodes": "SIGTERM",
  "a kill of each node": "SIGKILL",
} as const;

for (const [what, signal] of Object.entries(ENDS)) {
  test(`cluster: ${what} loses nothing`, async () => {
    await using fleet = await Fleet.start({ relayArgs: ["--spool", "off"] });
    fleet.load.start(CALLERS);
    await fleet.load.answered(50);
    for (const node of fleet.cluster.nodes) {
      await fleet.someoneDied();
      await node.kill(signal);
      await fleet.load.more(10);
      await node.start();
      await fleet.cluster.isCurrent(STREAM);
      await fleet.load.more(20);
    }
    await fleet.assertWhole();
  }, options);
}

test("cluster: a relay that is cut off spools, and forwards in order", async () => {
  const proxies: TcpProxy[] = [];
  await using fleet = await Fleet.start({
    relays: 1,
    through: async ({ nodes }) => {
      for (const { port } of nodes) proxies.push(await TcpProxy.start(port));
      return proxies.map(({ address }) => address);
    },
  });
  const [relay] = fleet.relays;
  fleet.load.start(CALLERS);
  await fleet.load.answered(50);
  fleet.answersMayBeLost(CALLERS);
  for (const proxy of proxies) proxy.cut();
  await relay.sees("writing to the disk");
  await fleet.load.more(50);
  for (const proxy of proxies) proxy.restore();
  await relay.sees("writing to the stream again");
  await fleet.load.more(50);
  await fleet.assertWhole();
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
}, options);

test("cluster: a full stream refuses, and takes records again when it is drained", async () => {
  const relayArgs = ["--spool", "off"];
  await using fleet = await Fleet.start({ relayArgs, senders: 0, maxBytes: 400_000 });
  fleet.load.start(4, 5_000);
  await fleet.load.refusals(503, 20);
  const { messages } = await fleet.engine.state();
  assert.ok(messages > 20, `${messages}`);
  await fleet.startSender();
  await fleet.load.more(50);
  await fleet.assertWhole();
}, options);

test("cluster: what is published twice, also after an election, is stored once", async () => {
  await using fleet = await Fleet.start({ relays: 0, senders: 0 });
  const { cluster, engine } = fleet;
  const engines = await Promise.all(
    cluster.nodes.map(({ address }) => openTestEngine(address, {}, STREAM)),
  );
  const subject = recordSubject("weave-wal", 0, "a/b");
  const publish = async (to: TestEngine, one: number): Promise<number> => {
    for (;;) {
      try {
        return await to.publish(subject, new TextEncoder().encode(`${one}`), `m${one}`);
      } catch (error) {
        assert.equal((error as { failure?: string }).failure, "away");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  const first = await Promise.all(
    Array.from(
      { length: 50 },
      (_, one) => Promise.all(engines.map((each) => publish(each, one))),
    ),
  );
  for (const places of first) assert.equal(new Set(places).size, 1, `${places}`);
  const leader = await cluster.leader(STREAM);
  await leader.kill();
  for (const [one, [place]] of first.entries()) assert.equal(await publish(engine, one), place);
  assert.equal((await engine.state()).messages, 50);
  assert.equal((await engine.first(partitionFilter("weave-wal", 0), 1))?.seq, first[0][0]);
  for (const each of engines) await each.close();
}, options);
