/**
 * Ops of this package in calls of the official one, and vice versa.
 *
 * @module
 */

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { ClientAttachments } from "../../src/drop_in/patch/sdk_client.ts";
import { noteOwnOp } from "../../src/client/mixed_packages.ts";
import { joinStacks, keepsStack, type StackMethods } from "../../src/drop_in/patch/join_stacks.ts";
import type { CallRecord } from "../../tools/mock_server/store/call_store.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { bundled } from "../support/bundle.ts";
import { SDK_VERSIONS, SdkProject } from "../support/drop_in/register_fixture.ts";

interface Run {
  calls: CallRecord[];
  other: CallRecord[];
  lines: readonly string[];
  errors: string;
}

async function run(
  args: string[],
  preload: boolean,
  version?: string,
  env: Record<string, string> = {},
): Promise<Run> {
  using project = new SdkProject(version, { exitDrainMs: 20_000 });
  await using mock = await startMockServer({ apiKey: "k".repeat(40) });
  copyFileSync(bundled("mod.ts"), join(project.directory, "weave_wal.mjs"));
  copyFileSync(bundled("src/drop_in/durable.ts"), join(project.directory, "durable.mjs"));
  const { code, lines, errors } = await project.run("mixed.mjs", {
    args,
    preload,
    env: { WF_TRACE_SERVER_URL: mock.url, WEAVE_LOG_LEVEL: "warning", ...env },
  });
  assert.deepEqual([code, lines.at(-1)], [0, "done"], errors);
  assert.equal(mock.store.counts.orphanEnds, 0);
  const { store } = mock;
  return { calls: store.calls("team/mixed"), other: store.calls("team/other"), lines, errors };
}

/** Names of ops and their children, indented, one per line, in alphabetical order. */
function tree(calls: readonly CallRecord[], parent: string | null = null, depth = 0): string[] {
  return calls.filter(({ parent_id }) => parent_id === parent)
    .map((call) => ({ id: call.id, name: /\/op\/([^:]+):/.exec(call.op_name!)![1] }))
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .flatMap(({ id, name }) => [" ".repeat(depth) + name, ...tree(calls, id, depth + 1)]);
}

/** The tree of an evaluation of two rows. */
function treeOf(model: string, score: string): string[] {
  const prediction = [
    " Evaluation.predictAndScore",
    `  ${model}`,
    "   officialLeaf",
    "    ownLeaf",
    "   ownLeaf",
    `  ${score}`,
  ];
  return ["Evaluation.evaluate", ...prediction, ...prediction];
}

const TREES: Record<string, string[]> = {
  official: treeOf("ownModel", "ownScore"),
  own: treeOf("officialModel", "officialScore"),
};

/** Asserts two runs of the evaluation, each one tree with attributes and usage of both packages. */
function assertOneTree(which: string, calls: CallRecord[], hasAttributes: boolean): void {
  assert.deepEqual(tree(calls), [...TREES[which], ...TREES[which]]);
  for (const call of calls) {
    assert.notEqual(call.ended_at, null);
    if (hasAttributes) assert.equal(call.attributes!.request, "r-1", call.op_name!);
  }
  const roots = calls.filter(({ parent_id }) => parent_id === null);
  assert.equal(new Set(calls.map(({ trace_id }) => trace_id)).size, 2);
  for (const { inputs, summary } of roots) {
    assert.match(String(inputs!.model), /^weave:\/\/\/team\/mixed\/op\/\w+Model:\w+$/);
    // For each row n: n by the leaf, n + n by the other leaf and the one in it.
    const { m } = summary!.usage as Record<string, Record<string, number>>;
    assert.deepEqual([m.prompt_tokens, m.requests], [12, 6]);
  }
  const models = calls.filter(({ op_name }) => op_name!.includes("Model:"));
  for (const { inputs } of models) {
    const { datasetRow } = inputs!.arg0 as { datasetRow: unknown };
    if (which === "own") assert.match(String(datasetRow), /object\/rows:\w+\/attr\/rows\/id\/\w+/);
    else assert.deepEqual(Object.keys(datasetRow as object), ["n"]);
  }
}

for (const version of Object.keys(SDK_VERSIONS)) {
  test(
    `mixed: with register and weave ${version}, calls of both packages are one tree`,
    async () => {
      for (const which of ["official", "own"]) {
        const { calls, errors } = await run([which], true, version, { WEAVE_ENABLE_WAL: "true" });
        assert.equal(errors, "");
        // Version 0.9 has no attributes.
        assertOneTree(which, calls, version !== "0.9.3");
      }
    },
    { timeout: 60_000 },
  );
}

test("mixed: with register and init of both packages, calls are one tree", async () => {
  for (const which of ["official", "own"]) {
    const args = [which, "own"];
    const { calls, lines, errors } = await run(args, true, undefined, { WEAVE_ENABLE_WAL: "true" });
    assert.equal(errors, "");
    assertOneTree(which, calls, true);
    // Flush and stats cover the ops of this package in official calls.
    const [, records] = /own records: (\d+)/.exec(lines.join("\n"))!;
    assert.ok(Number(records) > 20, records);
  }
}, { timeout: 60_000 });

test("mixed: with a durable client, calls are one tree", async () => {
  for (const which of ["official", "own"]) {
    const { calls, errors } = await run([which, "durable"], false);
    assert.equal(errors, "");
    assertOneTree(which, calls, true);
  }
}, { timeout: 60_000 });

test("mixed: rows of an official dataset are recorded as refs", async () => {
  const args = ["own", "dataset"];
  const { calls } = await run(args, true, undefined, { WEAVE_ENABLE_WAL: "true" });
  assertOneTree("own", calls, true);
}, { timeout: 60_000 });

test(
  "mixed: official ops are recorded if the trace of this package that they run in is",
  async () => {
    const env = { WEAVE_ENABLE_WAL: "true" };
    const all = await run(["ops"], true, undefined, env);
    const one = ["ownRoot", " officialLeaf", "  ownLeaf"];
    assert.deepEqual(tree(all.calls), [...one, ...one]);
    const none = await run(["ops"], true, undefined, { ...env, WEAVE_WAL_SAMPLE_RATE: "0" });
    assert.deepEqual([none.calls, none.errors], [[], ""]);
  },
  { timeout: 60_000 },
);

test("mixed: calls of another project are a tree of their own", async () => {
  const args = ["own", "other"];
  const { calls, other } = await run(args, true, undefined, { WEAVE_ENABLE_WAL: "true" });
  const names = new Set(tree(other).map((line) => line.trim()));
  assert.ok(names.has("Evaluation.evaluate"));
  const roots = calls.filter(({ parent_id }) => parent_id === null);
  assert.deepEqual(new Set(tree(roots)), new Set(["officialModel", "officialScore"]));
}, { timeout: 60_000 });

test(
  "mixed: without register, an op of the other package is reported once, with the way out",
  async () => {
    const wayOut =
      "To have one trace, load @weave-wal/client/register before the program and set " +
      "WEAVE_ENABLE_WAL=true, or import everything from one package\n";
    const messages = {
      official:
        'weave-wal: The official weave package uses op "ownScore" of @weave-wal/client, whose ' +
        "calls are not part of its traces. ",
      own:
        'weave-wal: An evaluation of @weave-wal/client uses op "officialModel" of the official ' +
        "weave package, whose calls are not part of its trace. ",
    };
    for (const [which, message] of Object.entries(messages)) {
      for (const ways of [[], ["own"]]) {
        // Without the log, the official SDK cannot write to a project of complete calls.
        const env = { WEAVE_USE_CALLS_COMPLETE: "false" };
        const { errors } = await run([which, ...ways], false, undefined, env);
        assert.equal(errors, message + wayOut);
      }
      const off = await run([which], true);
      assert.equal(off.errors, message + wayOut, "register does nothing without its variable");
    }
  },
  { timeout: 60_000 },
);

/** A call stack like that of the official SDK. */
class Stack {
  constructor(readonly entries: object[] = []) {}
  peek(): object | null {
    return this.entries.at(-1) ?? null;
  }
  pushNewCall(): { parentCall: unknown } {
    return { parentCall: this.peek() };
  }
}

test("mixed: a client with a different kind of call stack is left unchanged", () => {
  const known = {
    getCallStack: () => new Stack(),
    runWithCallStack: (_: unknown, fn: () => unknown) => fn(),
  };
  assert.equal(keepsStack(known), true);
  assert.equal(keepsStack({}), false);
  assert.equal(keepsStack(null), false);
  const others = [
    { ...known, getCallStack: () => [] },
    { ...known, getCallStack: () => new Stack([{}]) },
    { ...known, runWithCallStack: () => Promise.resolve() },
    {
      ...known,
      getCallStack: () => {
        throw new Error("needs more");
      },
    },
  ];
  const attachments = new ClientAttachments({} as never);
  for (const other of others) {
    assert.equal(keepsStack(other), false);
    const before = { ...other };
    attachments.join(other);
    assert.deepEqual(other, before);
  }
  const { getCallStack } = known;
  attachments.join(known);
  assert.notEqual(known.getCallStack, getCallStack);
});

test("mixed: a program without ops of this package is not slowed down", () => {
  const methods: StackMethods = {
    getCallStack: () => new Stack() as never,
    runWithCallStack: (_, fn) => fn(),
  };
  let asked = 0;
  joinStacks(methods, () => {
    asked++;
    return null;
  });
  const run = () => methods.runWithCallStack(new Stack([{}]) as never, () => "done");
  assert.deepEqual([run(), asked], ["done", 0]);
  noteOwnOp();
  assert.deepEqual([run(), asked], ["done", 1]);
});
