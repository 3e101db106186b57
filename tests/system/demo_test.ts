import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { resolve } from "@std/path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { commandFor, ownRuntime } from "../../tools/demo/runtimes.ts";
import type { DemoResult } from "../../tools/demo/runner.ts";
import { nodesOf, type TraceNode } from "../../tools/demo/trace_tree.ts";
import { test } from "../harness.ts";

type Result = Omit<DemoResult, "calls" | "fromTheLogIds"> & { trees: TraceNode[]; wal: boolean };

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** Runs the demo in its own process, as users do. */
async function demo(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const command = commandFor(ownRuntime(), resolve(root, "scripts/demo.ts"), root);
  const child = spawn(command.file, [...command.args, ...args], {
    env: { ...process.env, ...command.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
  const code = await new Promise<number | null>((done, fail) => {
    child.on("error", fail);
    child.on("close", done);
  });
  return { code, out, err };
}

test("demo: every call that the killed program saw finish arrives", async () => {
  const { code, out, err } = await demo("--json", "--seed", "1");
  assert.equal(code, 0, err + out.slice(0, 2_000));
  const result = JSON.parse(out) as Result;
  assert.equal(result.ok, true);
  assert.deepEqual(result.missing, []);
  assert.deepEqual(result.leftover, []);
  assert.equal(result.arrived, result.seen);
  assert.equal(result.answers.length, 12);

  const { atKill } = result;
  assert.ok(atKill.duringOutage >= 20, "at least two questions were answered during the outage");
  assert.ok(atKill.undelivered >= atKill.duringOutage, "no call of the outage was delivered");
  assert.ok(atKill.logBytes > 0);
  assert.equal(atKill.delivered + atKill.undelivered, atKill.seen);
  assert.equal(result.fromTheLog, atKill.undelivered);

  const nodes = result.trees.flatMap((tree) => [...nodesOf(tree)]);
  assert.equal(nodes.filter(({ durationMs }) => durationMs !== null).length >= result.seen, true);
  const failed = nodes.filter(({ exception }) => exception !== null);
  assert.deepEqual(failed.map(({ op }) => op).sort(), ["indexDocument", "splitPassages"]);
  assert.equal(result.failed, 2);
  const answer = result.trees.find(({ op }) => op === "answerQuestion")!;
  assert.deepEqual(
    answer.children.map(({ op }) => op).sort(),
    ["bestSentence", "bestSentence", "bestSentence"]
      .concat(["openPassage", "openPassage", "openPassage", "rank", "retrieve", "tokenize"]),
  );
}, { timeout: 150_000 });

test("demo: without the log calls are missing, and the demo reports this", async () => {
  const { code, out, err } = await demo("--json", "--seed", "1", "--no-wal");
  assert.equal(code, 1, err + out.slice(0, 2_000));
  const result = JSON.parse(out) as Result;
  assert.equal(result.ok, false);
  assert.ok(result.missing.length >= result.atKill.duringOutage);
  assert.ok(result.atKill.duringOutage >= 20);
  assert.equal(result.missing.length, result.atKill.undelivered);
  assert.equal(result.arrived + result.missing.length, result.seen);
  assert.equal(result.atKill.logFiles, 0);
}, { timeout: 150_000 });

test("demo: without a terminal the output has no colors", async () => {
  const { code, out, err } = await demo("--seed", "2");
  assert.equal(code, 0, err + out);
  assert.ok(!out.includes("\x1b") && !out.includes("\r"));
  assert.match(
    out,
    /^6 Counts\n\s+(\d+) {2}calls that .* finish\n\s+\1 {2}arrived at the server/m,
  );
  assert.match(out, /indexDocument ×\d+ +[\d.]+ m?s/);
  assert.match(out, /splitPassages glossary\.json .*✗ /);
}, { timeout: 150_000 });

test("demo: ends at its time limit, and rejects unknown options", async () => {
  const late = await demo("--json", "--timeout", "0");
  assert.deepEqual([late.code, late.out], [1, ""]);
  assert.match(late.err, /^The demo exceeded its time limit: 0 s$/m);
  const wrong = await demo("--runtime", "perl");
  assert.deepEqual([wrong.code, wrong.out], [2, ""]);
  assert.match(wrong.err, /^Cannot use --runtime: "perl" is not one of deno, bun, node/m);
  const help = await demo("--help");
  assert.equal(help.code, 0);
  assert.match(help.out, /--runtime <name>/);
}, { timeout: 90_000 });
