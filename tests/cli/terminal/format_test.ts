import assert from "node:assert/strict";
import {
  momentAt,
  parseCount,
  parseDuration,
  parseMoment,
} from "../../../src/cli/terminal/arguments.ts";
import { endingOf } from "../../../src/cli/exit_codes.ts";
import {
  formatBytes,
  formatDuration,
  plural,
  printable,
  shellWord,
} from "../../../src/cli/terminal/format.ts";

import { WeaveWalError } from "../../../src/errors.ts";
import { test } from "../../harness.ts";

test("sizes are printed in units of a thousand", () => {
  const sizes = [0, 999, 1_000, 18_240_000, 99_949, 99_950, 999_499, 999_500, 5e9];
  assert.deepEqual(sizes.map(formatBytes), [
    "0 B",
    "999 B",
    "1.0 kB",
    "18.2 MB",
    "99.9 kB",
    "100 kB",
    "999 kB",
    "1.0 MB",
    "5.0 GB",
  ]);
});

test("durations are printed in the relevant units", () => {
  const minute = 60_000, hour = 60 * minute, day = 24 * hour;
  const times = [-5, 40, 3_200, 42_000, 12 * minute, 2 * hour + 5 * minute, 3 * day + 4 * hour];
  assert.deepEqual(times.map(formatDuration), [
    "0 ms",
    "40 ms",
    "3.2 s",
    "42 s",
    "12 min",
    "2 h 5 min",
    "3 d 4 h",
  ]);
});

test("durations and times are parsed in human-readable form", () => {
  const texts = ["500ms", "30s", "10m", "10min", "2h", "1d", "1.5s", "7"];
  assert.deepEqual(
    texts.map(parseDuration),
    [500, 30_000, 600_000, 600_000, 7_200_000, 86_400_000, 1_500, 7_000],
  );
  for (const text of ["", "soon", "-1s", "1w", "1s2", "NaN"]) {
    assert.throws(() => parseDuration(text), /Expected a duration/);
  }
  assert.equal(momentAt(parseMoment("10m"), 1_000_000), 400_000);
  const noon = Date.parse("2026-05-01T12:00:00Z");
  assert.equal(momentAt(parseMoment("2026-05-01T12:00:00Z"), 0), noon);
  for (const text of ["yesterday", "12", "2026-99-99"]) {
    assert.throws(() => parseMoment(text), /Expected a duration/);
  }
  assert.equal(parseCount("12"), 12);
  for (const text of ["1.5", "-1", "x", "", "99999999999999999999"]) {
    assert.throws(() => parseCount(text), /Expected a whole number/);
  }
});

test("terminal control sequences are shown, not executed", () => {
  assert.equal(
    printable("a\u001b[31mb\u0007\u009b2Jc\nd\u202ee"),
    "a\ufffd[31mb\ufffd\ufffd2Jc d\ufffde",
  );
  assert.equal(shellWord("acme/chat"), "acme/chat");
  assert.equal(shellWord("it's; rm -rf ~"), "'it'\\''s; rm -rf ~'");
  assert.deepEqual([plural(1, "file"), plural(0, "file"), plural(1_234, "entry", "entries")], [
    "1 file",
    "0 files",
    "1,234 entries",
  ]);
});

test("errors end the command with the exit code of their kind", () => {
  const code = (error: unknown) => endingOf(error).code;
  assert.equal(code(new WeaveWalError("ERR_INVALID_OPTION", "x")), 2);
  assert.equal(code(new WeaveWalError("ERR_MISSING_API_KEY", "x")), 2);
  assert.equal(code(new WeaveWalError("ERR_LEASE_LOST", "x")), 3);
  assert.equal(code(Object.assign(new Error("x"), { code: "EACCES" })), 3);
  assert.equal(code(new TypeError("x")), 3);
  assert.deepEqual(endingOf(Object.assign(new Error("x"), { code: "EPIPE" })), { code: 0 });
});
