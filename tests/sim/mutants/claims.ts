/**
 * Mistakes in sharing logs among processes.
 *
 * @module
 */

import { Claim } from "../../../src/wal/ownership/lease.ts";
import { HeartbeatWatch } from "../../../src/wal/ownership/failure_detector.ts";
import { SegmentWriter } from "../../../src/wal/log/segment_writer.ts";
import type { Bug } from "../mutant.ts";
import { instead, patch } from "./make.ts";

/** Mistakes in sharing logs. */
export const CLAIM_BUGS: readonly Bug[] = [
  {
    name: "claim-unchecked",
    mistake: "a sender moves the checkpoint without looking whether the claim is still its own",
    breaks: ["claim", "checkpoint"],
    seeds: 2_000,
    patch: () => patch(Claim.prototype, "isHeld", () => () => true),
  },
  {
    name: "claim-unchecked-sending",
    mistake: "a sender that was stopped goes on sending what another has taken over",
    breaks: ["claim"],
    seeds: 2_000,
    from: 600,
    patch: () => patch(Claim.prototype, "renew", () => () => {}),
  },
  {
    name: "writer-unfenced",
    mistake: "a writer that was stopped goes on in a log that was sent and removed meanwhile",
    breaks: ["lost"],
    seeds: 3_000,
    from: 470,
    patch: () => patch(SegmentWriter.prototype, "isOwn", () => () => true),
  },
  {
    name: "claim-ignored",
    mistake: "every sender takes every claim (Weave Python; dial9#532)",
    breaks: ["two-senders", "resent"],
    seeds: 500,
    patch: () => patch(HeartbeatWatch.prototype, "isStale", () => () => true),
  },
  {
    name: "no-heartbeat",
    mistake: "a living holder does not show that it lives",
    breaks: ["two-senders", "resent"],
    seeds: 1_000,
    from: 430,
    patch: () => {
      const claims = patch(Claim.prototype, "beat", () => () => {});
      const writers = patch(SegmentWriter.prototype, "beat", () => () => true);
      return () => {
        claims();
        writers();
      };
    },
  },
  {
    name: "pid-alone",
    mistake: "a process id is taken for a process, in every container and after every reuse",
    breaks: ["two-senders", "removed", "leftover", "pending", "resent"],
    seeds: 500,
    process: (facts) =>
      instead(facts, {
        host: "any",
        bootId: "any",
        pidNamespace: "any",
        startTime: "any",
        startTimeOf: () => "any",
      }),
  },
  {
    name: "closed-too-early",
    mistake: "a log passes for closed while its writer still writes it",
    breaks: ["order", "lost", "two-senders", "removed"],
    seeds: 1_000,
    from: 320,
    files: (files) =>
      instead(files, {
        replace: (path, text) =>
          files.replace(
            path,
            path.endsWith(".owner") ? text.replace('"closed":false', '"closed":true') : text,
          ),
      }),
  },
  {
    name: "any-server",
    mistake: "a log is sent to whatever server its finder has",
    breaks: ["wrong-server"],
    seeds: 1_000,
    files: (files) =>
      instead(files, {
        readText: (path) => {
          const text = files.readText(path);
          return path.endsWith(".owner") ? text.replace(/"server":"[^"]*"/, '"server":null') : text;
        },
      }),
  },
  {
    name: "newest-first",
    mistake: "a later log of a writer is drained before an earlier one",
    breaks: ["order"],
    seeds: 2_000,
    files: (files) =>
      instead(files, {
        list: (directory) => {
          const names = files.list(directory);
          const logs = names.map(({ name }) => name).filter((name) => name.endsWith(".jsonl"))
            .sort();
          const writer = (name: string) => name.slice(21);
          const later = (name: string) =>
            logs.some((other) => other > name && writer(other) === writer(name));
          return names.filter(({ name }) => !later(name));
        },
      }),
  },
];
