import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { createColors } from "picocolors";
import { columnTitles, rowOf } from "../../../src/cli/inspect/rows.ts";
import type { LogLine } from "../../../src/cli/logs/log_lines.ts";
import { beginProgress } from "../../../src/cli/terminal/progress.ts";
import { progressLine } from "../../../src/cli/terminal/progress_line.ts";
import { healthOf } from "../../../src/cli/status/state/log_health.ts";
import { statusText } from "../../../src/cli/status/render.ts";
import type { ProjectReport } from "../../../src/cli/status/report.ts";
import type { ProcessView } from "../../../src/wal/processes/process_status.ts";
import { divide } from "../../../src/cli/status/layout.ts";
import type { Output, Terminal } from "../../../src/cli/terminal/terminal.ts";
import type { Clock } from "../../../src/runtime/runtime.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { CTRL_C, noTerminal, plain, startInTerminal } from "../../support/cli/cli_terminal.ts";
import { test } from "../../harness.ts";

test("a progress bar shows records, bytes, rate and remaining time in 80 columns on one line", () => {
  const text = {
    label: "Sending",
    share: 0.09,
    parts: ["461 MB of 5.0 GB", "28.2 MB/s", "3 min left", "86,524 records"],
    more: ", 4,919/s",
  };
  const facts = "9% · 461 MB of 5.0 GB · 28.2 MB/s · 3 min left · 86,524 records";
  assert.equal(progressLine(text, 120), `Sending ██${"░".repeat(22)} ${facts}, 4,919/s`);
  assert.equal(progressLine(text, 100), `Sending ██${"░".repeat(16)} ${facts}, 4,919/s`);
  assert.equal(progressLine(text, 80), `Sending █${"░".repeat(6)} ${facts}`);
  assert.equal(progressLine(text, 74), `Sending ${facts}`);
  for (let columns = 1; columns <= 130; columns++) {
    const length = [...progressLine(text, columns)].length;
    assert.ok(length < Math.max(columns, 10), `${length} in ${columns}`);
  }
});

/** Standard error as a terminal whose text is recorded, and a manually advanced clock. */
function screen() {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 24 });
  let text = "";
  stream.setEncoding("utf8").on("data", (more: string) => text += more);
  const err = {
    isTerminal: true,
    columns: 100,
    rows: 24,
    colors: createColors(false),
    stream: stream as unknown as Output["stream"],
    write: () => Promise.resolve(),
  };
  let now = 0;
  return {
    terminal: { out: err, err, ask: () => Promise.resolve(null) } satisfies Terminal,
    clock: { monotonic: () => now } as Clock,
    pass: (ms: number) => now += ms,
    /** Output since the last call. */
    drawn() {
      const seen = plain(text);
      text = "";
      return seen;
    },
  };
}

test("a progress bar makes room for lines and reappears after them", async () => {
  const { terminal, clock, pass, drawn } = screen();
  const total = 100_000_000;
  const bar = await beginProgress(terminal, clock, "Reading", total, "quiet");
  bar.update(1_000_000, total);
  assert.equal(drawn(), "");
  pass(600);
  bar.update(2_000_000, total);
  assert.match(drawn(), /Reading .* 2% · 2\.0 MB of 100 MB/);
  bar.hide();
  drawn();
  pass(100);
  bar.update(3_000_000, total);
  assert.equal(drawn(), "");
  pass(500);
  bar.update(4_000_000, total);
  assert.match(drawn(), /Reading .* 4% · 4\.0 MB of 100 MB/);
  bar.stop();
});

test("a small screen shows some projects and some advice, a large one shows everything", () => {
  const advice = [2, 2, 1];
  assert.deepEqual(divide(40, 10, advice), { projects: 10, advice: 3 });
  for (const lines of [6, 8, 12, 24, 40]) {
    for (const projects of [1, 5, 20, 500]) {
      const fit = divide(lines, projects, advice);
      const rows = fit.projects + (fit.projects < projects ? 1 : 0);
      const pieces = advice.slice(0, fit.advice).reduce((sum, height) => sum + height, 0);
      const below = 1 + pieces + (fit.advice < advice.length ? 1 : 0);
      assert.ok(fit.projects >= 1);
      if (lines >= 12) {
        assert.ok(3 + rows + below <= lines, `${lines} ${projects} ${rows} ${below}`);
      }
      if (lines >= 24) assert.ok(fit.advice >= 1);
    }
  }
});

test("the table of status fits into 60 to 200 columns, and keeps the most important columns", async () => {
  const project = (state: string): ProjectReport => ({
    entity: "acme",
    project: "chat",
    directory: "/wal/acme/chat",
    segments: [],
    groups: [],
    writers: new Map(),
    invalidCheckpoint: null,
    pendingRecords: 1_234_567,
    pendingEstimated: false,
    pendingBytes: 812_000_000,
    oldest: 0,
    interrupted: 0,
    deadLetters: { total: 12, byReason: { refused: 12 }, last: null },
    logs: [],
    parts: () => Promise.resolve([]),
    health: healthOf([{
      process: { liveness: "alive" } as ProcessView,
      log: {
        entity: "acme",
        project: "chat",
        kind: "memory",
        diskError: null,
        syncError: null,
        appended: 9,
        memory: { records: 1_217, bytes: 1 },
        dropped: { [state]: 2_275 },
        quota: { usedBytes: 0, maxBytes: 0, policy: "drop-new", fullAt: null },
      },
    }]),
  });
  const report = {
    unit: "file" as const,
    root: "/wal",
    roots: ["/wal"],
    at: 1e9,
    projects: [project("quota-new")],
    processes: [],
  };
  const { terminal: { out } } = screen();
  const rates = new Map([["/wal/acme/chat", { written: 18_200_000, sent: 17_100_000 }]]);
  for (const watched of [undefined, rates]) {
    for (let columns = 60; columns <= 200; columns++) {
      const text = await statusText(report, [], { ...out, columns }, {
        ...(watched && { rates: watched }),
      });
      const [titles, row] = text.split("\n").slice(3);
      assert.ok(titles.length <= columns && row.length <= columns, `${columns}: ${titles}`);
      for (const title of ["PROJECT", "RECORDS", "DEAD LETTERS", "DROPPED"]) {
        assert.ok(titles.includes(title), `${columns}: ${title}`);
      }
    }
  }
});

test("status --watch fits on the screen and keeps totals, titles and pending records", async () => {
  await using place = await temporary();
  for (let number = 0; number < 40; number++) {
    const name = `acme/p${number}`;
    const log = openLog(place.wal, name);
    if (number === 33) writeCalls(log, name, 3);
    writeCalls(log, name, 1);
    await log.finish();
  }
  const watch = startInTerminal(["status", "--watch", "100ms"], { cwd: place.path });
  await watch.sees("and 3");
  const first = plain(watch.out()).split("\n");
  assert.match(first[1], /40 projects · 40 files · 86 records/);
  assert.match(first[3], /^PROJECT +FILES +WRITERS/);
  assert.ok(first.some((line) => /^acme\/p33 +1 +1 closed +8 /.test(line)), first.join("\n"));
  assert.ok(first.some((line) => /^… and \d+ projects more$/.test(line)), first.join("\n"));
  watch.type(CTRL_C);
  assert.equal((await watch.ended).code, 130);
}, { timeout: 120_000, skip: noTerminal });

test("rows of inspect fit into 80 columns and still say what they are about", () => {
  const output = (columns: number | undefined): Output => ({ ...screen().terminal.out, columns });
  const record = { type: "table_create_from_digests", start: 0, end: 0, lineStart: 0, lineEnd: 0 };
  const line = { offset: 1_371_963_291, length: 10_500, record } as unknown as LogLine;
  const facts = {
    time: Date.parse("2026-11-26T10:02:06.981Z"),
    callId: "019d0000-0000-7000-8000-00000001f000",
    op: "answerQuestion",
  };
  const row = rowOf(line, facts, "pending", output(80)).trimEnd();
  assert.equal(
    row,
    "1371963291 10:02:06.981 table_create… 0001f000 pending    10.5 kB answerQuestion",
  );
  assert.ok(row.length <= 80 && columnTitles(output(80)).trimEnd().length <= 80);
  assert.equal(row.indexOf("answer"), columnTitles(output(80)).indexOf("WHAT"));
  const wide = rowOf(line, facts, "pending", output(undefined));
  assert.match(wide, / 2026-11-26 10:02:06\.981 +table_create_from_digests +00000001f000 /);
  assert.match(wide, /answerQuestion\n$/);
});
