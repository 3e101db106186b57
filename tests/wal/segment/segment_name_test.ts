import assert from "node:assert/strict";
import {
  formatStem,
  isProcessToken,
  leasePrefix,
  mayTarget,
  parseStem,
  recoveryLease,
  type SegmentPaths,
  segmentPaths,
  serverDigits,
  writerToken,
} from "../../../src/wal/segment/segment_name.ts";
import {
  MAX_NAME_LENGTH,
  projectDirectory,
  validateName,
} from "../../../src/wal/segment/project_directory.ts";
import { test } from "../../harness.ts";

const WRITER = "0123456789abcdef0123456789abcdef";

test("names: a stem consists of 20 digits of nanoseconds and the writer, and is parsed back", () => {
  const stem = formatStem(1_700_000_000_123_456_789n, WRITER);
  assert.deepEqual(stem, {
    stem: `01700000000123456789_${WRITER}`,
    time: "01700000000123456789",
    writer: WRITER,
  });
  assert.deepEqual(parseStem(stem.stem), stem);
});

test("names: stems sort by time, whatever the number of digits", () => {
  const times = [0n, 9n, 10n, 999_999_999n, 1_700_000_000_000_000_000n, 10n ** 20n - 1n];
  const stems = times.map((time) => formatStem(time, WRITER).stem);
  assert.deepEqual([...stems].sort(), stems);
});

test("names: a text that is not a stem gives null", () => {
  for (
    const text of [
      "",
      `1700000000123456789_${WRITER}`,
      `001700000000123456789_${WRITER}`,
      `01700000000123456789-${WRITER}`,
      `01700000000123456789_${WRITER.slice(1)}`,
      `01700000000123456789_${WRITER}0`,
      `01700000000123456789_${WRITER.toUpperCase()}`,
      `01700000000123456789_${WRITER}\n`,
      `../01700000000123456789_${WRITER}`,
    ]
  ) {
    assert.equal(parseStem(text), null, text);
  }
});

test("names: a writer's token keeps its randomness and identifies the server it may be for", () => {
  const token = writerToken(WRITER, "https://trace.example");
  assert.match(token, /^[0-9a-f]{32}$/);
  assert.equal(
    token.slice(0, 12) + token.slice(13, 24),
    WRITER.slice(0, 12) + WRITER.slice(13, 24),
  );
  assert.notEqual(parseStem(formatStem(1n, token).stem), null);
  assert.equal(mayTarget("https://trace.example", token), true);
  assert.equal(mayTarget("https://trace.example/other", token), false);
});

test("names: a process token is distinguished from those of other writers by its version digit", () => {
  for (const digit of "0123456789abcdef") {
    const foreign = WRITER.slice(0, 12) + digit + WRITER.slice(13);
    assert.equal(isProcessToken(foreign), digit === "8", foreign);
    assert.equal(isProcessToken(writerToken(foreign, "https://trace.example")), true);
  }
});

test("names: the lease name of a directory is the same for its server and for a token for that server", () => {
  const server = "https://trace.example";
  const prefix = leasePrefix("/wal/e/p", server);
  assert.equal(prefix, `/wal/e/p/.recovery/${serverDigits(server)}.`);
  assert.match(serverDigits(server), /^[0-9a-f]{8}$/);
  assert.equal(recoveryLease("/wal/e/p", writerToken(WRITER, server)), prefix);
  assert.notEqual(leasePrefix("/wal/e/p", "https://other.example"), prefix);
  assert.equal(recoveryLease("/wal/e/p", WRITER), "/wal/e/p/.recovery/shared.");
});

test("names: a segment's files share its stem, with the Python SDK's names where it has them", () => {
  const expected: Record<keyof SegmentPaths, string> = {
    data: "/wal/e/p/stem.jsonl",
    lock: "/wal/e/p/stem.lock",
    owner: "/wal/e/p/stem.owner",
    checkpoint: "/wal/e/p/stem.checkpoint",
    delivered: "/wal/e/p/stem.delivered",
    deadLetters: "/wal/e/p/stem.deadletter",
    quarantine: "/wal/e/p/stem.quarantine",
    fence: "/wal/e/p/stem.fence",
    open: "/wal/e/p/stem.open",
    started: "/wal/e/p/stem.started",
    closing: "/wal/e/p/stem.closing",
    closed: "/wal/e/p/stem.closed",
    claim: "/wal/e/p/stem.claim.",
  };
  const paths = segmentPaths("/wal/e/p", "stem");
  for (const [name, path] of Object.entries(expected)) {
    assert.equal(paths[name as keyof SegmentPaths], path);
  }
});

test("names: ordinary names of any language are used as they are", () => {
  for (const name of ["team", "my project", "a.b", "проект", "名前", "é😀", "-", "x".repeat(128)]) {
    assert.equal(validateName("project", name), name);
  }
  assert.equal(projectDirectory("/wal", "team", "my project"), "/wal/team/my project");
});

test("names: a name that could escape its directory or confuse a file system is refused, with the value", () => {
  for (
    const name of [
      "",
      ".",
      "..",
      ".hidden",
      "a/b",
      "../a",
      "a\\b",
      "C:a",
      "a\0b",
      "a\nb",
      "a\u007fb",
      "a\ud800",
      "\udc00a",
      "x".repeat(MAX_NAME_LENGTH + 1),
    ]
  ) {
    for (const kind of ["entity", "project"] as const) {
      assert.throws(() => validateName(kind, name), (error: Error & { code?: string }) => {
        assert.equal(error.code, "ERR_INVALID_NAME");
        assert.ok(error.message.startsWith(`Cannot use ${kind} name: `), error.message);
        assert.ok(error.message.includes(JSON.stringify(name)), error.message);
        return true;
      });
    }
  }
  assert.throws(() => projectDirectory("/wal", "..", "p"), { code: "ERR_INVALID_NAME" });
  assert.throws(() => projectDirectory("/wal", "e", ""), { code: "ERR_INVALID_NAME" });
});

test("names: a name that is not a string is refused with the error's code", () => {
  for (const name of [undefined, null, 7, {}]) {
    assert.throws(() => validateName("entity", name as unknown as string), {
      code: "ERR_INVALID_NAME",
    });
  }
});
