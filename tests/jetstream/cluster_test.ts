/**
 * A cluster of three real servers with relays, senders and callers: everything
 * acknowledged is delivered, whichever process dies.
 *
 * @module
 */

import { test } from "../harness.ts";
import { Fleet, STREAM } from "../support/jetstream/fleet.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";

const options = { skip: withoutNats, timeout: 180_000 };

test(
  "cluster: what was answered outlives a relay, a sender, the leader, and a leader that is frozen",
  async () => {
    await using fleet = await Fleet.start({ relayArgs: ["--spool", "off"] });
    const { load, cluster } = fleet;
    load.start();
    await load.answered(20);
    await fleet.replaceRelay(0);
    await load.more(10);
    await fleet.replaceSender();
    await load.more(10);
    const leader = await cluster.leader(STREAM);
    await fleet.someoneDied();
    await leader.kill();
    await load.more(10);
    await leader.start();
    await cluster.isCurrent(STREAM);
    const next = await cluster.leader(STREAM);
    await fleet.someoneDied();
    next.signal("SIGSTOP");
    await load.more(10);
    next.signal("SIGCONT");
    await load.more(10);
    await fleet.assertWhole();
  },
  options,
);
