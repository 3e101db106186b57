/**
 * Mutants that close interrupted calls incorrectly.
 *
 * @module
 */

import { CallCloser } from "../../../src/wal/open_calls/close_interrupted.ts";
import { OpenCallsKeeper } from "../../../src/wal/open_calls/open_calls_keeper.ts";
import { OwnOpenCalls } from "../../../src/wal/open_calls/own_open_calls.ts";
import { OrphanScanner } from "../../../src/wal/orphans/orphan_scanner.ts";
import type { Bug } from "./mutant.ts";
import { instead, patch } from "./make.ts";

/** Mutants of closing calls. */
export const CLOSING_BUGS: readonly Bug[] = [
  {
    name: "closed-while-alive",
    mistake: "calls of a process are closed while it runs",
    breaks: ["closed-alive"],
    seeds: 300,
    patch: () => {
      const dead = patch(OrphanScanner.prototype, "isDead", () => () => true);
      const kept = patch(OrphanScanner.prototype, "hasKept", () => () => false);
      return () => {
        dead();
        kept();
      };
    },
  },
  {
    name: "closed-again",
    mistake: "what is known about open calls outlives their closing, and they are closed again",
    breaks: ["closed-twice", "closed-time"],
    seeds: 1_000,
    patch: () => patch(CallCloser.prototype, "settle", () => () => {}),
  },
  {
    name: "closed-now",
    mistake:
      "a call that was cut off ends when it is found, not when its process was last heard of",
    breaks: ["closed-time", "closed-twice"],
    seeds: 300,
    patch: () => {
      let finds = 0;
      return patch(
        CallCloser.prototype,
        "lastSignOfLife",
        (original) =>
          function (this: CallCloser, ...args) {
            return original.apply(this, args) + ++finds;
          },
      );
    },
  },
  {
    name: "carried-start-forgotten",
    mistake: "calls are forgotten when the segment is removed that they began in",
    breaks: ["not-closed"],
    seeds: 500,
    patch: () =>
      patch(OpenCallsKeeper.prototype, "beforeRemoval", () =>
        function (this: OpenCallsKeeper) {
          this.forgetAll();
          return Promise.resolve();
        }),
  },
  {
    name: "carried-end-forgotten",
    mistake: "a call that ended in a removed segment passes for one that was cut off",
    breaks: ["closed-twice"],
    seeds: 1_000,
    files: (files) =>
      instead(files, {
        remove: (path) => {
          if (!path.endsWith(".open")) files.remove(path);
        },
      }),
  },
  {
    name: "closed-unnoticed",
    mistake: "a writer that resumes ends calls that were closed meanwhile",
    breaks: ["closed-twice"],
    seeds: 3_000,
    from: 45,
    patch: () => patch(OwnOpenCalls.prototype, "look", () => () => false),
  },
];
