/**
 * A program with the official SDK and with this package: the requests to OpenAI, the
 * results of the program, and the calls on the trace server are the same, except for the
 * differences listed in docs/differences.md.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PNG } from "../../support/client/fake_openai.ts";
import { comparedRun } from "../../support/client/compared_run.ts";
import { test } from "../../harness.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PROGRAM = here("../../support/client/programs/openai_program.mjs");

test("wrapOpenAI: the same program gives the same as with the official SDK", async () => {
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-openai-"));
  try {
    const official = await comparedRun(PROGRAM, "weave");
    const own = await comparedRun(PROGRAM, here("../../../mod.ts"), [], {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_WAL_DIR: walDir,
    });
    assert.deepEqual(own.report, official.report);
    for (const call of official.calls) {
      // The official SDK records the client, including its API key.
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
