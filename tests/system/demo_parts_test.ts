import assert from "node:assert/strict";
import { markdownPassages, passagesOf, sentencesOf } from "../../tools/demo/program/documents.ts";
import { WordIndex, wordsOf } from "../../tools/demo/program/word_index.ts";
import { BROKEN_GLOSSARY, QUESTIONS, scheduleFor } from "../../tools/demo/questions.ts";
import { silentOutput } from "../../tools/demo/output.ts";
import { opNameOf, traceTrees } from "../../tools/demo/trace_tree.ts";
import { TracedProgram } from "../../tools/demo/traced_program.ts";
import { formatMs, treeLines } from "../../tools/demo/tree_rows.ts";
import { checkOutcome } from "../../tools/demo/assertions.ts";
import type { CallRecord } from "../../tools/mock_server/store/call_store.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";

/** A call as returned by the server; each runs for 2.5 ms. */
function call(id: string, op: string, changes: Partial<CallRecord> = {}): CallRecord {
  return {
    id,
    project_id: "e/p",
    op_name: `weave:///e/p/op/${op}:abc`,
    display_name: null,
    trace_id: "t",
    parent_id: null,
    thread_id: null,
    turn_id: null,
    started_at: "2025-01-01T00:00:00.000000Z",
    attributes: {},
    inputs: {},
    ended_at: "2025-01-01T00:00:00.002500Z",
    exception: null,
    output: null,
    summary: {},
    wb_user_id: null,
    wb_run_id: null,
    wb_run_step: null,
    wb_run_step_end: null,
    deleted_at: null,
    ...changes,
  };
}

const seen = (id: string, op: string, ok = true) => ({ event: "call", id, op, ok }) as const;

test("demo outcome: a call counts only if it is complete, with its name and its error", async () => {
  await using server = await startMockServer();
  const outcomeOf = (calls: CallRecord[], left: string[] = [], exitCode: number | null = 0) =>
    checkOutcome({
      server,
      calls,
      seen: [seen("1", "read"), seen("2", "parse", false)],
      fromTheLog: new Set(),
      leftover: left.map((name) => ({ name, size: 1 })),
      exitCode,
    });
  const whole = [call("1", "read"), call("2", "parse", { exception: "Bad" })];
  assert.equal(outcomeOf(whole).ok, true);
  assert.equal(outcomeOf(whole, ["x.jsonl"]).ok, false);
  assert.equal(outcomeOf(whole, [], null).ok, false);
  const missing = (...calls: CallRecord[]) => {
    const outcome = outcomeOf(calls);
    assert.equal(outcome.ok, false);
    return outcome.missing.map(({ id }) => id);
  };
  assert.deepEqual(missing(whole[0]), ["2"]);
  assert.deepEqual(missing(whole[0], call("2", "parse")), ["2"]);
  assert.deepEqual(missing(call("1", "write"), whole[1]), ["1"]);
  assert.deepEqual(missing(call("1", "read", { ended_at: null }), whole[1]), ["1"]);
  assert.deepEqual(missing(call("1", "read", { started_at: null }), whole[1]), ["1"]);
  const nothing = { server, calls: [], seen: [], fromTheLog: new Set<string>(), leftover: [] };
  assert.equal(checkOutcome({ ...nothing, exitCode: 0 }).ok, false);
});

test("demo tree: equal calls share a line, failed and interrupted calls have their own", () => {
  const at = (ms: number) => ({
    started_at: `2025-01-01T00:00:00.0${ms}000Z`,
    ended_at: `2025-01-01T00:00:00.0${ms}500Z`,
  });
  const calls = [
    call("c", "parse", { parent_id: "root", exception: "Unexpected\n  end", ...at(30) }),
    call("root", "build", { inputs: { path: "/docs/a.md" } }),
    call("d", "rank", { parent_id: "root", ...at(40), ended_at: null }),
    ...["x", "y", "z"].map((id) => call(id, "read", { parent_id: "root" })),
    call("late", "ask", { inputs: { question: "Why so?" }, ...at(50) }),
    call("below", "find", { parent_id: "late", ...at(51) }),
  ];
  const roots = traceTrees(calls);
  assert.deepEqual(roots.map(({ op }) => op), ["build", "ask"]);
  const lines = treeLines(roots, ({ op }) => op === "build", {
    colors: silentOutput().colors,
    width: 100,
    fromTheLog: new Set(["x", "z", "below"]),
  });
  assert.deepEqual(lines.map((line) => line.replace(/ +/g, " ")), [
    "├─ build a.md 2.5 ms",
    "│ ├─ read ×3 7.5 ms ⇡ 2",
    "│ ├─ parse 0.5 ms ✗ Unexpected end",
    "│ └─ rank – interrupted by the kill",
    "└─ ask “Why so?” 0.5 ms 2 calls ⇡ 1",
  ]);
  const columns = new Set(lines.map((line) => line.match(/^.*?( ms|–)/)![0].length));
  assert.equal(columns.size, 1, "durations are aligned");
});

test("demo tree: long questions are truncated, durations are short", () => {
  const [line] = treeLines(
    traceTrees([call("1", "ask", { inputs: { question: `Why ${"so ".repeat(20)}?` } })]),
    () => true,
    { colors: silentOutput().colors, width: 70, fromTheLog: new Set() },
  );
  assert.match(line, /…\s+2\.5 ms$/);
  assert.ok(line.length <= 70, line);
  assert.deepEqual([0.04, 9.96, 999, 1_234].map(formatMs), [
    "0.0 ms",
    "10.0 ms",
    "999 ms",
    "1.23 s",
  ]);
  assert.equal(opNameOf(call("1", "a.b-c")), "a.b-c");
  assert.equal(opNameOf(call("1", "", { op_name: "plain" })), "plain");
});

test("demo documents: Markdown becomes paragraphs and items under their headings", () => {
  const text = [
    "# Log",
    "First **line**",
    "goes on.",
    "",
    "## Names",
    "- **Name in bold.** One `item`",
    "- [two](https://example.com)",
    "```ts",
    "# not a heading",
    "```",
    "# Next",
    "> End",
  ].join("\n");
  assert.deepEqual(markdownPassages("a.md", text), [
    { path: "a.md", line: 2, heading: "Log", text: "First line goes on." },
    { path: "a.md", line: 6, heading: "Log › Names › Name in bold", text: "One item" },
    { path: "a.md", line: 7, heading: "Log › Names", text: "two" },
    { path: "a.md", line: 12, heading: "Next", text: "End" },
  ]);
});

test("demo documents: a glossary becomes its terms, a passage its sentences", () => {
  assert.deepEqual(passagesOf("glossary.json", '{"log":"A file"}'), [
    { path: "glossary.json", line: 1, heading: "log", text: "A file" },
  ]);
  assert.throws(() => passagesOf("glossary.json", BROKEN_GLOSSARY), SyntaxError);
  assert.deepEqual(sentencesOf("This is the first one. Short. And this is `another` one."), [
    "This is the first one.",
    "And this is `another` one.",
  ]);
});

test("demo index: rare words weigh more, and a saved index returns the same results", () => {
  const index = new WordIndex();
  for (const text of ["the log is a file", "the log is synced", "log, log and log", "a server"]) {
    index.add(wordsOf(text));
  }
  const hits = index.search(wordsOf("When are logs synced?"), 2);
  assert.deepEqual(hits.map(({ passage }) => passage), [1, 2]);
  const again = new WordIndex(JSON.parse(JSON.stringify(index.save())));
  assert.deepEqual(again.search(wordsOf("When are logs synced?"), 2), hits);
  assert.deepEqual(again.search(wordsOf("unknown"), 2), []);
  assert.equal(again.terms, index.terms);
});

test("demo schedule: a seed determines the schedule, and questions remain for the second process", () => {
  assert.deepEqual(scheduleFor(7), scheduleFor(7));
  const schedules = Array.from({ length: 200 }, (_, seed) => scheduleFor(seed));
  assert.ok(new Set(schedules.map((schedule) => JSON.stringify(schedule))).size > 20);
  for (const { beforeOutage, outage, killAfterCalls } of schedules) {
    assert.ok(beforeOutage >= 2 && outage >= 2 && killAfterCalls >= 1);
    assert.ok(beforeOutage + outage + 2 <= QUESTIONS.length);
  }
});

test("demo: a missing runtime is named, with what to do", async () => {
  const program = new TracedProgram({
    command: { file: "no-such-runtime", args: [], env: {} },
    args: [],
    cwd: ".",
    env: {},
    onCall() {},
    onStderr() {},
    signal: new AbortController().signal,
  });
  await assert.rejects(
    program.ready,
    /Cannot find no-such-runtime: install it, or choose another with --runtime$/,
  );
  await program.stop();
});
