/**
 * A cluster of three real servers with relays, senders and callers, on Node; the long tests have it
 * on every runtime.
 *
 * @module
 */

import { test } from "../harness.ts";
import { oneFaultOfEachKind } from "../support/jetstream/cluster_scenario.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import { ownRuntime } from "../support/processes/child_fixture.ts";

const skip = withoutNats || (ownRuntime !== "node" && "a long test on this runtime");

test(
  "cluster: what was answered outlives a relay, a sender, the leader, and a leader that is frozen",
  oneFaultOfEachKind,
  { skip, timeout: 180_000 },
);
