/**
 * The contract of the log: promises of every implementation.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { RequestLog } from "../../../src/wal/log/record_log.ts";
import type { DeadLetter, Segment } from "../../../src/wal/segment/segment.ts";
import { test } from "../../harness.ts";
import { lineOf } from "./log_fixture.ts";

/** A log under test, with a capacity of about 100 kB. */
export interface ContractLog extends AsyncDisposable {
  readonly log: RequestLog;
  /** The segments passed to a sender, with all of their current records. */
  segments(): Promise<Segment[]>;
  /** Texts of the records that a sender started now would receive. */
  left(): Promise<string[]>;
  /** The stored dead letters. */
  deadLetters(): Promise<readonly { readonly reason: string }[]>;
}

/** Capacity of each log under test, in bytes. */
export const CONTRACT_BYTES = 100_000;

/** The whole text of a segment from an offset, read in pieces. */
export async function segmentText(segment: Segment, offset = 0, atOnce = 7_001): Promise<string> {
  const bytes = new Uint8Array(segment.end() - offset);
  for (let at = 0; at < bytes.length;) {
    const count = await segment.read(offset + at, bytes.subarray(at, at + atOnce));
    assert.ok(count > 0, "a segment is as long as it says");
    at += count;
  }
  return new TextDecoder().decode(bytes);
}

/** Registers the tests of the contract for one implementation. */
export function testLogContract(
  kind: string,
  open: () => Promise<ContractLog>,
  skip: string | false = false,
): void {
  const contract = (name: string, body: (subject: ContractLog) => Promise<void>): void =>
    test(`log contract: ${kind}: ${name}`, async () => {
      await using subject = await open();
      await body(subject);
    }, { skip });
  const append = ({ log }: ContractLog, name: string): void =>
    log.append("obj_create", JSON.stringify({ n: name }));

  contract("a sender gets the lines byte for byte, in order, from any offset", async (subject) => {
    const names = ["a", "é漢😀", "x".repeat(30_000), "", "b"];
    for (const name of names) append(subject, name);
    await subject.log.sync();
    const text = names.map(lineOf).join("");
    assert.equal(subject.log.kind, kind);
    assert.deepEqual(subject.log.written, {
      records: names.length,
      bytes: new TextEncoder().encode(text).length,
    });
    const [segment, ...others] = await subject.segments();
    assert.deepEqual(others, []);
    assert.equal(await segmentText(segment), text);
    const offset = lineOf("a").length;
    assert.equal(await segmentText(segment, offset), text.slice(offset));
    assert.equal(await segment.read(segment.end(), new Uint8Array(8)), 0);
    assert.deepEqual(await subject.left(), names.map(lineOf));
  });

  contract("what is acknowledged is not given to the next sender", async (subject) => {
    const names = ["a", "b", "c"];
    for (const name of names) append(subject, name);
    await subject.log.sync();
    const [segment] = await subject.segments();
    segment.acknowledge(lineOf("a").length * 2);
    await segment.settled?.();
    segment.release();
    assert.deepEqual(await subject.left(), [lineOf("c")]);
  });

  contract("a dead letter is kept with its reason", async (subject) => {
    for (const name of ["a", "b"]) append(subject, name);
    await subject.log.sync();
    const [segment] = await subject.segments();
    const line = new TextEncoder().encode(lineOf("a").trimEnd());
    const deadLetter: DeadLetter = {
      reason: "refused",
      status: 422,
      message: "no",
      offset: 0,
      length: line.length,
      line,
    };
    await segment.deadLetterLines([deadLetter]);
    await segment.deadLetterLines([{ ...deadLetter, message: "again" }]);
    assert.ok((await subject.deadLetters()).every(({ reason }) => reason === "refused"));
    assert.ok((await subject.deadLetters()).length >= 1);
  });

  contract(
    "a log that is full refuses, keeps what it has, and takes more later",
    async (subject) => {
      const size = 9_000;
      const kept: string[] = [];
      await assert.rejects(async () => {
        for (let i = 0; i < 100; i++) {
          const name = `${i}${"x".repeat(size)}`;
          append(subject, name);
          await subject.log.sync();
          kept.push(lineOf(name));
        }
      }, { code: "ERR_LOG_FULL" });
      assert.ok(kept.length * size > CONTRACT_BYTES / 2, `${kept.length} records`);
      const [segment] = await subject.segments();
      assert.equal(await segmentText(segment), kept.join(""));
      segment.acknowledge(segment.end());
      await segment.settled?.();
      if (subject.log.kind === "file") return; // A file is removed once it is complete.
      append(subject, "more");
      await subject.log.sync();
      assert.deepEqual(await subject.left(), [lineOf("more")]);
    },
  );
}
