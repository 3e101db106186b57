/**
 * One program with the official SDK and with this package: the requests to OpenAI, what the program
 * gets, and the calls on the trace server are the same, but for what docs/differences.md lists.
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
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import type { CallRecord } from "../../../tools/mock_server/store/call_store.ts";
import { PNG } from "../../support/client/fake_openai.ts";
import type { Any } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const PROJECT = "team/compare";
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

interface Seen {
  report: Any;
  calls: Any[];
  files: Uint8Array[];
}

async function run(module: string, env: Record<string, string>): Promise<Seen> {
  const apiKey = "k".repeat(40);
  await using mock = await startMockServer({ apiKey });
  const args = ["--import", "tsx", here("../../support/client/openai_program.mjs"), module];
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

/** Calls by op, those of one op in the order in which they began, each with its parent's op. */
function comparable(calls: CallRecord[]): Any[] {
  const nameOf = (call: CallRecord) => /\/op\/(.*):/.exec(call.op_name!)![1];
  // A parent and its child may begin in the same millisecond.
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

test("wrapOpenAI: the same program gives the same as with the official SDK", async () => {
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-openai-"));
  try {
    const official = await run("weave", {});
    const own = await run(here("../../../mod.ts"), {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_WAL_DIR: walDir,
    });
    assert.deepEqual(own.report, official.report);
    for (const call of official.calls) {
      // The official SDK records the client, with its API key.
      if (call.op !== "create") continue;
      assert.equal(call.inputs.self._client.apiKey, "sk-1");
      delete call.inputs.self;
    }
    assert.deepEqual(own.calls, official.calls);
    assert.equal(own.calls.length, 12);
    for (const { files } of [own, official]) {
      assert.ok(
        files.some((file) => file.length === PNG.length && file.every((b, i) => b === PNG[i])),
      );
    }
  } finally {
    rmSync(walDir, { recursive: true });
  }
}, { timeout: 120_000 });
