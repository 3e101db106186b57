/**
 * Data syncs and responses of a relay, as observed by the kernel.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "../harness.ts";
import type { CommitPlan } from "../support/relay/committing_child.ts";
import { noStrace, type SystemCall, traceChild } from "../support/wal/fsync_trace.ts";

const skip = noStrace();
const REQUESTS = 50;
const isLog = ({ path }: SystemCall) => path.endsWith(".jsonl");
const isSync = ({ name }: SystemCall) => name === "fsync" || name === "fdatasync";

/** The system calls of a relay that received one request, and then many at once. */
class Traced {
  readonly calls: readonly SystemCall[];

  constructor(calls: readonly SystemCall[]) {
    this.calls = calls;
  }

  /** The write of a marker by the child. */
  mark(text: string): SystemCall {
    return this.#write(({ text: written }) => written.startsWith(`, "${text}\\n"`), text);
  }

  /** The write of an object's record. */
  record(name: string): SystemCall {
    return this.#write(
      (call) => isLog(call) && call.text.includes(`object_id\\":\\"${name}\\"`),
      name,
    );
  }

  /** Syncs of the log that started after one call and ended before another started. */
  syncs(after: SystemCall, before: SystemCall): SystemCall[] {
    return this.calls.filter((call) =>
      isLog(call) && isSync(call) && call.from > after.to && call.to < before.from
    );
  }

  #write(isWanted: (call: SystemCall) => boolean, what: string): SystemCall {
    const found = this.calls.find((call) => !isSync(call) && isWanted(call));
    assert.ok(found, `it writes ${what}`);
    return found;
  }
}

/** Traces a relay with delayed data syncs, so that requests arrive during one. */
async function traced(plan: Omit<CommitPlan, "requests">, syncMs: number): Promise<Traced> {
  const walDir = realpathSync(mkdtempSync(join(tmpdir(), "weave-wal-commit-")));
  try {
    const whole: CommitPlan = { requests: REQUESTS, walDir, ...plan };
    const program = "support/relay/committing_child.ts";
    return new Traced(await traceChild(program, JSON.stringify(whole), syncMs));
  } finally {
    rmSync(walDir, { recursive: true, force: true });
  }
}

const objects = Array.from({ length: REQUESTS }, (_, n) => `object-${n}`);

test(
  "relay: with --fsync group each response follows a data sync, which requests share",
  async () => {
    const trace = await traced({ commit: "group", waitMs: 0 }, 300);
    for (const name of ["first", ...objects]) {
      const syncs = trace.syncs(trace.record(name), trace.mark(`answered ${name}`));
      assert.ok(syncs.length > 0, `${name} is synced after its write and before its response`);
    }
    const shared = trace.syncs(trace.mark("answered first"), trace.mark("waited"));
    assert.ok(
      shared.length <= REQUESTS / 5,
      `${shared.length} data syncs for ${REQUESTS} requests`,
    );
  },
  { skip, timeout: 120_000 },
);

test("relay: with --fsync interval requests are synced in the background", async () => {
  const trace = await traced({ commit: "interval", waitMs: 2_500 }, 0);
  const last = trace.record(objects[0]);
  const syncs = trace.syncs(last, trace.mark("waited"));
  assert.ok(syncs.length > 0, "without another request");
  assert.ok(syncs.length <= REQUESTS / 5, `${syncs.length} data syncs`);
}, { skip, timeout: 120_000 });

test("relay: with --fsync never a response waits for no data sync, and there is none", async () => {
  const trace = await traced({ commit: "never", waitMs: 1_500 }, 0);
  const until = trace.mark("waited");
  for (const name of objects) trace.record(name);
  assert.deepEqual(trace.calls.filter((call) => isSync(call) && call.from < until.from), []);
}, { skip, timeout: 120_000 });
