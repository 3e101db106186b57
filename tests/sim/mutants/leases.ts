/**
 * Mutants that share logs among processes incorrectly.
 *
 * @module
 */

import { SegmentWriter } from "../../../src/wal/log/segment_writer.ts";
import { FailureDetector } from "../../../src/wal/processes/failure_detector.ts";
import { OwnGuard } from "../../../src/wal/leases/fence.ts";
import { Lease } from "../../../src/wal/leases/lease.ts";
import { WriterStates } from "../../../src/wal/orphans/writer_state.ts";
import { ChainLink } from "../../../src/wal/segment/chain/chain_link.ts";
import { SegmentChain } from "../../../src/wal/segment/chain/segment_chain.ts";
import type { Bug } from "./mutant.ts";
import { instead, patch } from "./make.ts";

/** Number of leases that a mutant has given a token of their own. */
let sharedLeases = 0;

/** Mutants of sharing logs. */
export const LEASE_BUGS: readonly Bug[] = [
  {
    name: "lease-unchecked",
    mistake: "a sender moves the checkpoint without looking whether the lease is still its own",
    breaks: ["lease", "checkpoint"],
    seeds: 2_000,
    from: 2_280,
    patch: () => patch(Lease.prototype, "isHeld", () => () => true),
  },
  {
    name: "lease-unchecked-sending",
    mistake: "a sender that was suspended goes on sending what another has taken over",
    breaks: ["lease"],
    seeds: 2_000,
    from: 45,
    patch: () => {
      const leases = patch(Lease.prototype, "ensureHeld", () => () => {});
      const own = patch(OwnGuard.prototype, "ensureHeld", () => () => {});
      return () => {
        leases();
        own();
      };
    },
  },
  {
    name: "writer-unfenced",
    mistake: "a writer that was suspended goes on in a log that was sent and removed meanwhile",
    breaks: ["lost"],
    seeds: 3_000,
    from: 470,
    patch: () => patch(SegmentWriter.prototype, "isOwn", () => () => true),
  },
  {
    name: "lease-ignored",
    mistake: "every sender takes every lease (Weave Python; dial9#532)",
    breaks: ["two-senders", "resent"],
    seeds: 500,
    patch: () => patch(FailureDetector.prototype, "isStale", () => () => true),
  },
  {
    name: "no-heartbeat",
    mistake: "the heartbeats of a running process do not reach the disk",
    breaks: ["two-senders", "resent", "lease"],
    seeds: 1_000,
    from: 80,
    files: (files) =>
      instead(files, {
        replace: (path, text) => {
          const isHeartbeat = /\.(processes|recovery)\//.test(path) && files.exists(path);
          if (!isHeartbeat) files.replace(path, text);
        },
      }),
  },
  {
    name: "neighbor-removed",
    mistake: "segments are removed when only those before them were answered",
    breaks: ["removed", "lost"],
    seeds: 500,
    patch: () =>
      patch(SegmentChain.prototype, "acknowledge", (original) =>
        function (this: SegmentChain) {
          original.call(this, this.end());
        }),
  },
  {
    name: "neighbor-checkpointed",
    mistake: "a checkpoint moves past records that no answer covers",
    breaks: ["checkpoint", "removed"],
    seeds: 1_000,
    patch: () =>
      patch(ChainLink.prototype, "checkpoint", (original) =>
        function (this: ChainLink) {
          original.call(this, this.end);
        }),
  },
  {
    name: "pid-only",
    mistake: "a process id is taken for a process, in every container and after every reuse",
    breaks: ["two-senders", "removed", "leftover", "pending", "resent"],
    seeds: 500,
    process: (facts) =>
      instead(facts, {
        host: "any",
        bootId: "any",
        pidNamespace: "any",
        startTime: "any",
        findProcess: (pid) => facts.findProcess(pid) && { startTime: "any" },
      }),
  },
  {
    name: "closed-too-early",
    mistake: "a log passes for closed while its writer still writes it",
    breaks: ["order", "lost", "two-senders", "removed"],
    seeds: 1_000,
    from: 400,
    files: (files) =>
      instead(files, { exists: (path) => !path.endsWith(".lock") && files.exists(path) }),
  },
  {
    name: "any-server",
    mistake: "a log is sent to whatever server its finder has",
    breaks: ["wrong-server"],
    seeds: 1_000,
    from: 85,
    patch: () => patch(WriterStates.prototype, "isTarget", () => () => true),
  },
  {
    name: "shared-lease-apart",
    mistake: "senders for different servers do not agree on logs that name no server",
    breaks: ["two-senders"],
    seeds: 1_000,
    from: 1_080,
    files: (files) => {
      const apart = String(++sharedLeases);
      const own = (path: string) =>
        path.replace("/.recovery/shared.", `/.recovery/shared${apart}.`);
      return instead(files, {
        createExclusive: (path, text) => files.createExclusive(own(path), text),
        readText: (path, options) => files.readText(own(path), options),
        replace: (path, text) => files.replace(own(path), text),
        stat: (path, options) => files.stat(own(path), options),
        remove: (path) => files.remove(own(path)),
      });
    },
  },
  {
    name: "newest-first",
    mistake: "a later log of a writer is drained before an earlier one",
    breaks: ["order"],
    seeds: 2_000,
    files: (files) =>
      instead(files, {
        async *scan(directory) {
          const all = [];
          for await (const entries of files.scan(directory)) all.push(...entries);
          const logs = all.map(({ name }) => name).filter((name) => name.endsWith(".jsonl")).sort();
          const writer = (name: string) => name.slice(21);
          const later = (name: string) =>
            logs.some((other) => other > name && writer(other) === writer(name));
          yield all.filter(({ name }) => !later(name));
        },
      }),
  },
];
