/**
 * Runs a program on Node with the official SDK or with this package, and returns its
 * output and the resulting data of the trace server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { CallRecord } from "../../../tools/mock_server/store/call_store.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import type { Any } from "./client_fixture.ts";

const PROJECT = "team/compare";

/** The result of a run. */
export interface ComparedRun {
  readonly report: Any;
  /** Calls by op, those of one op ordered by start, each with its parent's op. */
  readonly calls: Any[];
  readonly files: Uint8Array[];
}

/**
 * Runs a program.
 *
 * @param module The module that the program imports instead of `weave`.
 * @param imports Files that Node loads before the program.
 */
export async function comparedRun(
  program: string,
  module: string,
  imports: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ComparedRun> {
  const apiKey = "k".repeat(40);
  await using mock = await startMockServer({ apiKey });
  const preloads = imports.flatMap((file) => ["--import", pathToFileURL(file).href]);
  const args = ["--import", "tsx", ...preloads, program, module];
  const report = await new Promise<string>((resolve, reject) => {
    const options = {
      env: { ...process.env, WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: apiKey, ...env },
      timeout: 60_000,
    };
    execFile("node", args, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout.trim().split("\n").at(-1)!);
    });
  });
  const refused = mock.journal.entries.filter(({ status }) => status !== 200);
  assert.deepEqual(refused.map(({ path, status }) => `${path} ${status}`), [], module);
  return {
    report: JSON.parse(report),
    calls: comparable(mock.store.calls(PROJECT)),
    files: [...mock.store.project(PROJECT).files.values()].map(({ content }) => content!),
  };
}

function comparable(calls: CallRecord[]): Any[] {
  const nameOf = (call: CallRecord) => /\/op\/(.*):/.exec(call.op_name!)![1];
  // A parent and its child may start in the same millisecond.
  const key = (call: CallRecord) => `${nameOf(call)} ${call.started_at}`;
  return calls
    .toSorted((a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0)
    .map((call) => {
      const parent = calls.find(({ id }) => id === call.parent_id);
      const { status_counts: _, ...summary } = call.summary as Any;
      return {
        op: nameOf(call),
        parent: parent && nameOf(parent),
        inputs: call.inputs,
        output: call.output,
        summary,
        failed: call.exception !== null,
      };
    });
}
