import assert from "node:assert/strict";
import { StreamLog } from "../../../src/jetstream/log/stream_log.ts";
import { DiskQuota } from "../../../src/wal/quota/disk_quota.ts";
import { MemoryLog } from "../../../src/wal/log/memory_log.ts";
import { FileSegment } from "../../../src/wal/segment/file_segment.ts";
import type { Segment } from "../../../src/wal/segment/segment.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { openTestEngine } from "../../support/jetstream/engine_fixture.ts";
import { deadLetterTexts, openPartition } from "../../support/jetstream/partition_fixture.ts";
import { startNats, withoutNats } from "../../support/jetstream/nats_server.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import {
  CONTRACT_BYTES,
  type ContractLog,
  segmentText,
  testLogContract,
} from "../../support/wal/log_contract.ts";
import { LogFixture } from "../../support/wal/log_fixture.ts";
import { PROJECT } from "../../support/wal/wal_fixture.ts";

const lines = (text: string) => text.split("\n").slice(0, -1).map((line) => `${line}\n`);

testLogContract("file", () => {
  const runtime = new MemoryRuntime();
  const { files, clock } = runtime;
  const quota = new DiskQuota({ files, clock, directory: PROJECT, maxBytes: CONTRACT_BYTES });
  const fixture = new LogFixture({ quota }, runtime);
  const left = async () => {
    const [stem] = fixture.names().filter((name) => name.endsWith(".jsonl"))
      .map((name) => name.replace(".jsonl", ""));
    const segment = new FileSegment({
      runtime,
      directory: PROJECT,
      stem,
      paths: segmentPaths(PROJECT, stem),
      guard: { assertHeld() {}, ensureHeld() {} },
      live: false,
      isSealed: () => true,
    });
    const text = await segmentText(segment, segment.checkpoint);
    segment.park();
    return lines(text);
  };
  const subject: ContractLog = {
    log: fixture.log,
    segments: () => Promise.resolve(fixture.segments),
    left,
    deadLetters: () => {
      const [name] = fixture.names().filter((name) => name.endsWith(".deadletter"));
      const text = new TextDecoder().decode(runtime.disk.bytes(`${PROJECT}/${name}`));
      return Promise.resolve(lines(text).map((line) => JSON.parse(line).error));
    },
    async [Symbol.asyncDispose]() {
      fixture.log.close();
      await fixture.log.settled();
    },
  };
  return Promise.resolve(subject);
});

testLogContract("memory", () => {
  const segments: Segment[] = [];
  const kept: { reason: string }[] = [];
  const log = new MemoryLog({
    maxBytes: CONTRACT_BYTES,
    maxRecords: 1_000,
    clock: new MemoryClock(),
    listener: {
      onSegment: (segment) => void segments.push(segment),
      onAppend: () => {},
      onSyncError: () => {},
      onSyncUnsupported: () => {},
      onDetached: () => {},
    },
    onDeadLetter: (deadLetters) => void kept.push(...deadLetters),
  });
  const subject: ContractLog = {
    log,
    segments: () => Promise.resolve(segments),
    left: async () => {
      const { bytes } = log.pending;
      return lines(await segmentText(segments[0], segments[0].end() - bytes));
    },
    deadLetters: () => Promise.resolve(kept),
    [Symbol.asyncDispose]: () => Promise.resolve(log.close()),
  };
  return Promise.resolve(subject);
});

testLogContract("stream", async () => {
  const server = await startNats();
  const engine = await openTestEngine(server.address, { partitions: 1, maxBytes: CONTRACT_BYTES });
  const log = new StreamLog({
    stream: () => ({ engine, prefix: "weave-wal", partitions: 1 }),
    projectId: "team/project",
    writer: "writer",
  });
  const subject: ContractLog = {
    log,
    segments: async () => [await openPartition(engine)],
    left: async () => lines(await segmentText(await openPartition(engine))),
    deadLetters: async () =>
      (await deadLetterTexts(server.address)).map((text) => JSON.parse(text).error),
    async [Symbol.asyncDispose]() {
      log.close();
      await log.settled();
      await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
  assert.equal(log.written.records, 0);
  return subject;
}, withoutNats);
