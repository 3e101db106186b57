/**
 * Runs a program with the official SDK and with this package, and reads the resulting
 * data of the server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { CallRecord } from "../../../tools/mock_server/store/call_store.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import type { ChildRuntime, ownRuntime } from "../processes/child_fixture.ts";
import { exceptionMessage } from "./exception_message.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PROJECT = "team/compare";

/** Output of a program, and the data of the server. */
export interface Run {
  report: Record<string, unknown>;
  calls: Comparable[];
  /** Digests of each object's versions. */
  objects: Record<string, string>;
  /** Values of each object's versions. */
  values: Record<string, unknown[]>;
  tables: string[];
  files: Record<string, string>;
  feedback: unknown[];
}

/** A call with its children. */
export type Comparable = Record<string, unknown> & { children: Comparable[] };

/**
 * Removes fields of a call that may differ; its position in the tree replaces IDs. The
 * fields that only this package writes, like the Python SDK, have tests of their own.
 */
function tree(calls: CallRecord[], parent: string | null = null): Comparable[] {
  return calls.filter(({ parent_id }) => parent_id === parent).map((call) => {
    const { weave, ...attributes } = call.attributes as Record<string, Record<string, unknown>>;
    const { status_counts: _, ...summary } = call.summary ?? {};
    assert.equal(call.trace_id, rootOf(calls, call).trace_id);
    assert.ok(call.ended_at === null || call.started_at! <= call.ended_at);
    return {
      op_name: call.op_name,
      ended: call.ended_at !== null,
      display_name: call.display_name,
      attributes: { ...attributes, weave: { source: weave.source } },
      inputs: call.inputs,
      output: call.output,
      exception: exceptionMessage(call.exception),
      summary,
      children: tree(calls, call.id),
    };
  });
}

function rootOf(calls: CallRecord[], call: CallRecord): CallRecord {
  const parent = calls.find(({ id }) => id === call.parent_id);
  return parent ? rootOf(calls, parent) : call;
}

async function run(
  command: readonly string[],
  more: Record<string, string>,
): Promise<Run> {
  await using mock = await startMockServer({ apiKey: "k".repeat(40) });
  const report = JSON.parse((await output(command, mock, more)).trim().split("\n").at(-1)!);
  const refused = mock.journal.entries.filter(({ status }) => status !== 200);
  assert.deepEqual(refused.map(({ path, status }) => `${path} ${status}`), [], command.join(" "));
  const { objects, tables, files, feedback } = mock.store.project(PROJECT);
  const named = (text: unknown) =>
    mock.store.calls(PROJECT).reduce(
      (t, { id, op_name }) => t.replaceAll(id, `a call of ${op_name}`),
      `${text}`,
    );
  const versions = [...objects].sort(([a], [b]) => a < b ? -1 : 1);
  return {
    report,
    calls: tree(mock.store.calls(PROJECT)),
    objects: Object.fromEntries(
      versions.map(([id, versions]) => [id, versions.map(({ digest }) => digest).join()]),
    ),
    values: Object.fromEntries(
      versions.map(([id, versions]) => [id, versions.map(({ val }) => val)]),
    ),
    tables: [...tables.keys()].sort(),
    files: Object.fromEntries(
      [...files].map(([digest, { content }]) =>
        [digest, new TextDecoder().decode(content!)] as const
      ).sort(),
    ),
    feedback: [...feedback.values()].map((item) => ({
      type: item.feedback_type,
      payload: item.payload,
      on: named(item.weave_ref),
      call: named(item.call_ref),
      runnable: item.runnable_ref,
    })),
  };
}

function output(
  [file, ...args]: readonly string[],
  mock: MockServer,
  more: Record<string, string>,
): Promise<string> {
  const env = {
    ...process.env,
    WF_TRACE_SERVER_URL: mock.url,
    WANDB_API_KEY: "k".repeat(40),
    ...more,
  };
  return new Promise((resolve, reject) => {
    const options = { env, cwd: here("../.."), timeout: 60_000 };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}

/** Commands that run TypeScript. */
const COMMANDS: Record<ChildRuntime, readonly string[]> = {
  node: ["node", "--import", "tsx"],
  bun: [process.execPath],
  deno: [process.execPath, "run", "-A", "--no-check"],
};

/** Sorts calls independently of the order of concurrent ones. */
export function sorted(calls: Comparable[]): Comparable[] {
  const key = (call: Comparable) => JSON.stringify([call.op_name, call.inputs, call.children]);
  return calls.map((call) => ({ ...call, children: sorted(call.children) }))
    .sort((a, b) => key(a) < key(b) ? -1 : 1);
}

/**
 * Runs a program of this folder with the official SDK on Node, and with this package and
 * its log.
 *
 * @param runtime Runtime of this package: Node, or the runtime of the test. Bun re-prints
 * the sources of functions, so that their digests differ from those on Node.
 */
export async function both(
  program: string,
  runtime: "node" | typeof ownRuntime = "node",
): Promise<{ official: Run; own: Run }> {
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-compare-"));
  try {
    const file = here(`programs/${program}`);
    const official = await run(["node", file, "weave"], {});
    const env = { WEAVE_ENABLE_WAL: "true", WEAVE_WAL_DIR: walDir };
    const own = await run([...COMMANDS[runtime], file, here("../../../mod.ts")], env);
    return { official, own };
  } finally {
    rmSync(walDir, { recursive: true });
  }
}
