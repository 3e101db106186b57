/**
 * A cluster of three real servers with relays, senders and callers: everything
 * acknowledged is delivered, whichever process dies.
 *
 * @module
 */

import { Fleet, STREAM } from "./fleet.ts";

/** Kills a relay, a sender and the leader, freezes the next leader, and compares the counts. */
export async function oneFaultOfEachKind(): Promise<void> {
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
}
