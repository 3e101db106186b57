import assert from "node:assert/strict";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { endCall, openLog, startCall, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";

const SLOW = { timeout: 120_000 };

const NOON = Date.parse("2026-05-01T12:00:00Z");

/** As written by the SDKs. */
const BOOM = JSON.stringify({ type: "Boom", message: "no way", traceback: [] });

test("inspect --tree shows the calls as a tree with times, sizes and errors", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { segmentBytes: 700 }); // One trace across several files.
  const root = startCall(log, NAME, { op: "answer", started: NOON });
  const retrieve = startCall(log, NAME, { op: "retrieve", parent: root, started: NOON + 10 });
  const embed = startCall(log, NAME, { op: "embed", parent: retrieve, started: NOON + 20 });
  endCall(log, NAME, embed, { started: NOON + 20, ended: NOON + 120 });
  endCall(log, NAME, retrieve, { started: NOON + 10, ended: NOON + 220 });
  const generate = startCall(log, NAME, { op: "generate", parent: root, started: NOON + 230 });
  endCall(log, NAME, generate, { started: NOON + 230, ended: NOON + 1_530, exception: BOOM });
  endCall(log, NAME, root, { started: NOON, ended: NOON + 2_000 });
  startCall(log, NAME, { op: "lonely", started: NOON + 3_000 });
  await log.finish();
  const { code, out } = await cli(["inspect", "--tree"], { cwd: place.path });
  assert.equal(code, 0);
  const lines = out.trimEnd().split("\n").map((line) => line.replace(/\d+ B/g, "N B"));
  assert.deepEqual(lines, [
    NAME,
    lines[1],
    "  lonely  N B  no end yet",
    `trace ${root.traceId}  2026-05-01 12:00:00.000, 4 calls, 2.4 kB, 1 failed`,
    "  answer  2.0 s  N B  ✓",
    "  ├─ retrieve  210 ms  N B  ✓",
    "  │  └─ embed  100 ms  N B  ✓",
    "  └─ generate  1.3 s  N B  ✗ Boom: no way",
  ]);
  assert.match(lines[1], /1 call, N B, 1 without an end$/);

  const json = await cli(["inspect", "--tree", "--json", "--call", embed.id], { cwd: place.path });
  const calls = json.out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(
    calls.map(({ op, depth, durationMs, exception }) => [op, depth, durationMs, exception]),
    [["answer", 0, 2_000, null], ["retrieve", 1, 210, null], ["embed", 2, 100, null], [
      "generate",
      1,
      1_300,
      "Boom: no way",
    ]],
  );
}, SLOW);

test("inspect --tree --errors --values shows failed traces with inputs and outputs", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  writeCalls(log, NAME, 2, { op: "fine" });
  const call = startCall(log, NAME, { op: "failing", inputs: { text: "x".repeat(20_000) } });
  endCall(log, NAME, call, { exception: BOOM, output: "\u001b[31mred" });
  await log.finish();
  const tree = ["inspect", "--tree", "--errors", "--values"];
  const { out } = await cli(tree, { cwd: place.path });
  assert.match(out, /failing .* ✗ Boom: no way\n +in +\{"text":"x+…?\n +out "/);
  assert.ok(!out.includes("fine") && !out.includes("\u001b"), out);
  const [json, ...more] = (await cli([...tree, "--json"], { cwd: place.path })).out.trim()
    .split("\n").map((line) => JSON.parse(line));
  assert.equal(more.length, 0);
  assert.equal(json.output, "\u001b[31mred");
  assert.deepEqual([json.inputs.truncated, json.inputs.bytes], [true, 20_011]);
  const flat = await cli(["inspect", "--errors"], { cwd: place.path });
  assert.deepEqual([flat.code, flat.err.includes("--errors without --tree")], [2, true]);
}, SLOW);

test("inspect --tree --limit shows the newest traces, whatever files they are in", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME, { segmentBytes: 2_000 });
  for (let number = 0; number < 30; number++) {
    writeCalls(log, NAME, 1, { op: `op${number}`, started: NOON + number * 1_000 });
  }
  await log.finish();
  const { out } = await cli(["inspect", "--tree", "--limit", "3"], { cwd: place.path });
  assert.deepEqual(out.match(/op\d+/g), ["op29", "op28", "op27"]);
  assert.match(out, /Shown: the newest 3 traces; --limit 0 shows all/);
  const all = await cli(["inspect", "--tree", "--limit", "0"], { cwd: place.path });
  assert.deepEqual(all.out.match(/op\d+/g), Array.from({ length: 30 }, (_, i) => `op${29 - i}`));
}, SLOW);

test("inspect --tree handles cycles, missing parents and depth", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, NAME);
  const line = (id: string, parent: string) =>
    log.append(
      "call_start",
      JSON.stringify({
        start: {
          project_id: NAME,
          id,
          trace_id: "t",
          parent_id: parent,
          op_name: id,
          started_at: "2026-05-01T12:00:00Z",
          attributes: {},
          inputs: {},
        },
      }),
    );
  line("a", "b");
  line("b", "a");
  line("orphan", "missing");
  line("self", "self");
  for (let depth = 0; depth < 3_000; depth++) line(`d${depth}`, depth ? `d${depth - 1}` : "orphan");
  await log.finish();
  const { code, out } = await cli(["inspect", "--tree", "--json"], { cwd: place.path });
  assert.equal(code, 0);
  const calls = out.trim().split("\n").map((text) => JSON.parse(text));
  assert.equal(calls.length, 3_004);
  const roots = calls.filter(({ depth }) => depth === 0).map(({ id }) => id);
  assert.deepEqual(roots, ["orphan", "a", "self"]);
  assert.equal(calls.find(({ id }) => id === "b").depth, 1);
  assert.equal(calls.find(({ id }) => id === "d2999").depth, 3_000);
}, SLOW);
