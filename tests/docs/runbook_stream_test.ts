/**
 * Messages about a log on JetStream are in the index of the runbook.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { SenderReporter } from "../../src/cli/flush/sender_reporter.ts";
import { adviseOn } from "../../src/cli/status/advice.ts";
import { runChecks } from "../../src/cli/status/checks.ts";
import { StreamStatus } from "../../src/cli/jetstream/stream_status.ts";
import { EngineError, type EngineMessage } from "../../src/jetstream/engine.ts";
import type { LogStores, MessageStore } from "../../src/jetstream/message_store.ts";
import { tooLarge } from "../../src/jetstream/log/stream_log.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { projectPath } from "../support/cli/cli_support.ts";
import { RUNBOOK_INDEX, runbookEntry } from "../support/docs/runbook_index.ts";
import { SERVER } from "../support/wal/wal_fixture.ts";
import { test } from "../harness.ts";

const runtime = detectRuntime();
const LOG = "nats://n1,n2,n3";
const CHECKS = { failIfOlder: 1_000, failIfDeadLetters: true, failIfUnsent: true, failIfQuota: 80 };

/** A stream with these messages, by subject. */
function storeOf(messages: Readonly<Record<string, string>>, maxBytes = -1): MessageStore {
  const all = Object.entries(messages).map(([subject, text], index): EngineMessage => ({
    subject,
    seq: index + 1,
    time: runtime.clock.now() - 60_000,
    payload: new TextEncoder().encode(text),
  }));
  const matching = (filter: string) =>
    all.filter(({ subject }) => subject.startsWith(filter.slice(0, -1)));
  const bytes = all.reduce((sum, { payload }) => sum + payload.length, 0);
  return {
    name: "KV_LEASES",
    state: () =>
      Promise.resolve({
        messages: all.length,
        bytes,
        maxBytes,
        lastSeq: all.length,
        subjects: new Map(all.map(({ subject }) => [subject, 1])),
      }),
    async *read(filter, { from = 1 } = {}) {
      yield* matching(filter).filter(({ seq }) => seq >= from);
    },
    first: (filter, from) =>
      Promise.resolve(matching(filter).find(({ seq }) => seq >= from) ?? null),
    replace: () => Promise.resolve(),
    remove: () => Promise.resolve(),
  };
}

/** Messages of `status --log` and its checks. */
async function statusMessages(
  records: MessageStore,
  deadLetters: MessageStore,
): Promise<{ name: string; message: string }[]> {
  const stores: LogStores = {
    prefix: "weave-wal",
    partitions: 1,
    server: SERVER,
    records,
    deadLetters,
    keys: storeOf({}),
    close: () => Promise.resolve(),
  };
  const report = await new StreamStatus(runtime, stores, LOG, {}).report();
  return [
    ...adviseOn(report, { server: SERVER, log: LOG }),
    ...runChecks(report, CHECKS).flatMap(({ name, problems }) =>
      problems.map((problem) => ({ name, message: problem.replace(/^[\w/-]+: /, "") }))
    ),
  ];
}

/** Checks that the messages have these names, and entries that lead to these sections. */
function assertIndexed(
  messages: readonly { name: string; message: string }[],
  sections: Readonly<Record<string, string>>,
) {
  const found = messages.map(({ name, message }) => {
    const entry = runbookEntry(name, message);
    assert.ok(entry, `${name}: ${message}`);
    return [name, entry.anchor];
  });
  assert.deepEqual(Object.fromEntries(found), sections);
}

const RECORD = '{"type":"feedback_create","req":{}}\n';
const DEAD_LETTER =
  '{"type":"feedback_create","req":{},"error":{"reason":"refused","message":"no"}}\n';

test("runbook: messages about a full stream whose sender died are in the index", async () => {
  const messages = await statusMessages(
    storeOf({ "weave-wal.0.acme.chat": RECORD }, 40),
    storeOf({}),
  );
  assertIndexed(messages, {
    "no-sender": "no-sender-runs",
    // Its section links to the one about streams.
    quota: "quota-reached",
    "fail-if-unsent": "no-sender-runs",
    "fail-if-older": "server-down",
    "fail-if-quota": "stream-full",
  });
});

test("runbook: messages about dead letters in a stream are in the index", async () => {
  const subject = "weave-wal-dead.0.7.0.acme.chat";
  const messages = await statusMessages(storeOf({}), storeOf({ [subject]: DEAD_LETTER }));
  assertIndexed(messages, {
    "dead-letters": "poison-records",
    "fail-if-dead-letters": "poison-records",
  });
});

test("runbook: messages of a sender whose servers do not respond are in the index", async () => {
  const messages: { name: string; message: string }[] = [];
  const reporter = new SenderReporter({
    clock: runtime.clock,
    server: SERVER,
    pending: () => Promise.resolve(""),
    onEvent: (event) => messages.push(event),
  });
  reporter.trouble("stream", new EngineError("away", "timeout"), "stream-error");
  for (const [state, reason] of [["down", "HTTP 503"], ["blocked", "HTTP 401"]] as const) {
    reporter.stateChanged(state, reason);
    await new Promise((resolve) => void setTimeout(resolve, 0)); // It counts first.
  }
  reporter.progressed(0, 1);
  assertIndexed(messages, {
    "stream-error": "stream-unreachable",
    "server-down": "server-down",
    "server-blocked": "key-revoked",
    "dead-letters": "poison-records",
  });
});

test("runbook: a response about a record that is too large is in the index", () => {
  assert.ok(runbookEntry("response", tooLarge(2_000_000, 1_000_000)));
});

test("runbook: every event of a stream that requires attention has an entry", () => {
  const folder = projectPath("src/cli/jetstream");
  const sources = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8"));
  const event = /event\((?:"(?:warn|error)"|name), "([\w-]+)"|\.trouble\([^()]*, "([\w-]+)"\)/g;
  const names = [...sources.join("\n").matchAll(event)].map(([, name, trouble]) => name ?? trouble);
  assert.ok(new Set(names).size >= 3, names.join());
  const indexed = new Set(RUNBOOK_INDEX.map(({ name }) => name));
  assert.deepEqual(names.filter((name) => !indexed.has(name)), []);
});
