/**
 * Logs wedged by version 0.1 (97e1faa). That version wrote the files, with a server that
 * responds like the real one, until it was killed: it blocked everything after the record
 * at fault permanently, across restarts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { Clock, Runtime } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { type DeliveryFixture, withDelivery } from "../support/delivery/delivery_fixture.ts";

/**
 * Lines of each file below the log directory, by path; `SERVER` is a placeholder for the
 * server's URL.
 */
const FILES: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(new URL("../support/data/wedged_logs_0_1.json", import.meta.url), "utf8"),
);

interface Wedged {
  readonly fault: string;
  readonly project: string;
  /** Expected dead letters: type and status. */
  readonly deadLetters: readonly string[];
}

const WEDGED: readonly Wedged[] = [
  {
    fault: "the end of a call that the server lacks",
    project: "orphan-end",
    deadLetters: ["call_end 404"],
  },
  {
    fault: "a record that always gets a 500",
    project: "repeated-500",
    deadLetters: ["call_end 500", "call_start 500"],
  },
];

/** Number of calls after the record at fault in each log. */
const CALLS_BEHIND = 20;

/** Speed relative to the wall clock: heartbeats and failures are observed for many seconds. */
const HASTE = 20;

/** This runtime with an accelerated clock. */
function hasty(): Runtime {
  const runtime = detectRuntime();
  const real = runtime.clock;
  const clock: Clock = {
    now: () => real.now(),
    monotonic: () => real.monotonic() * HASTE,
    after: (ms, run) => real.after(ms / HASTE, run),
  };
  return { ...runtime, clock };
}

/** Writes the files of a project, and of all senders, as they were an hour ago. */
function restore({ walDir, mock }: DeliveryFixture, project: string): void {
  const then = new Date(Date.now() - 3_600_000);
  for (const [path, lines] of Object.entries(FILES)) {
    if (path.startsWith("acme/") && !path.startsWith(`acme/${project}/`)) continue;
    const file = join(walDir, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, lines.join("\n").replaceAll("SERVER", mock.url), { mode: 0o600 });
    utimesSync(file, then, then);
  }
}

/** Sends the call that version 0.1 had delivered: it switches the project to complete calls. */
async function sendFirst({ mock }: DeliveryFixture, project: string): Promise<void> {
  const [, lines] = Object.entries(FILES).find(([path]) =>
    path.startsWith(`acme/${project}/`) && path.endsWith(".jsonl")
  )!;
  const records = lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  const { start } = records.find(({ type }) => type === "call_start").req;
  const { end } = records.find(({ type }) => type === "call_end").req;
  const response = await fetch(`${mock.url}/v2/acme/${project}/calls/complete`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ batch: [{ ...start, ...end }] }),
  });
  assert.equal(response.status, 200, await response.text());
}

for (const { fault, project, deadLetters } of WEDGED) {
  for (const useCallsComplete of [true, false]) {
    const api = useCallsComplete ? "v2" : "v1";
    test(
      `version 0.1: a log that ${fault} wedged is delivered once, and only that is dead-lettered, ${api}`,
      async () => {
        await withDelivery({ anyIds: false }, async (fixture) => {
          const { mock } = fixture;
          restore(fixture, project);
          await sendFirst(fixture, project);

          const pipeline = fixture.open({
            entity: "acme",
            project,
            runtime: hasty(),
            timeoutMs: 30_000 * HASTE,
            useCallsComplete,
          });
          await fixture.event("recovered");
          const { done } = await pipeline.flush();
          assert.equal(done, true);
          const { delivered, deadLettered } = await pipeline.stats();
          assert.deepEqual([delivered, deadLettered], [2 * CALLS_BEHIND, deadLetters.length]);
          const outputs = mock.store.calls(`acme/${project}`).map(({ output }) => output);
          assert.deepEqual(outputs, ["first", ...Array(CALLS_BEHIND).keys()]);
          const { duplicateStarts, duplicateEnds, duplicateCompletes, conflicts } =
            mock.store.counts;
          const twice = [duplicateStarts, duplicateEnds, duplicateCompletes, conflicts];
          assert.deepEqual(twice, [0, 0, 0, 0]);
          const kept = fixture.deadLetters().map(({ type, error }) => `${type} ${error.status}`);
          assert.deepEqual(kept.sort(), deadLetters);
          const left = fixture.files().filter((name) => !/^\.gitignore$|\.json$/.test(name));
          assert.deepEqual(left, [], "the log and its sidecar files are removed");
        });
      },
      { timeout: 120_000 },
    );
  }
}
