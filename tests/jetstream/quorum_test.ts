/**
 * Acknowledgements of a cluster of real servers that has lost its quorum.
 *
 * @module
 */

import assert from "node:assert/strict";
import { partitionFilter, recordSubject } from "../../src/jetstream/subjects.ts";
import { test } from "../harness.ts";
import { openTestEngine, type TestEngine } from "../support/jetstream/engine_fixture.ts";
import { startCluster } from "../support/jetstream/nats_cluster.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";

const options = { skip: withoutNats, timeout: 120_000 };
const STREAM = "QUORUM";
const SUBJECT = recordSubject("weave-wal", 0, "a/b");

/** Opens the log once the nodes have elected a leader. */
async function opened(address: string): Promise<TestEngine> {
  for (;;) {
    try {
      return await openTestEngine(address, { replicas: 3, partitions: 1 }, STREAM);
    } catch (error) {
      assert.equal((error as Error).name, "EngineError");
    }
  }
}

/** Publishes until a quorum has the message. */
async function published(engine: TestEngine, payload: Uint8Array, id: string): Promise<number> {
  for (;;) {
    try {
      return await engine.publish(SUBJECT, payload, id);
    } catch (error) {
      assert.equal((error as { failure?: string }).failure, "away");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

test(
  "quorum: a message that only the leader has is not acknowledged, nor is its copy",
  async () => {
    await using cluster = await startCluster();
    await using engine = await opened(cluster.address);
    const payload = new TextEncoder().encode("one\n");
    assert.ok(await published(engine, payload, "first") > 0);
    const leader = await cluster.leader(STREAM);
    await using direct = await openTestEngine(leader.address, {}, STREAM, 1_000);
    const others = cluster.nodes.filter((node) => node !== leader);
    await Promise.all(others.map((node) => node.suspend()));
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(direct.publish(SUBJECT, payload, "second"), { failure: "away" });
    }
    for (const node of others) node.signal("SIGCONT");
    const place = await published(engine, payload, "second");
    assert.equal(await published(engine, payload, "second"), place);
    assert.equal((await engine.first(partitionFilter("weave-wal", 0), place))?.seq, place);
    assert.equal((await engine.state()).messages, 2);
  },
  options,
);
