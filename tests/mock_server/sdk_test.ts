import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";

const PROGRAM = fileURLToPath(new URL("../support/mock_server/sdk_program.mjs", import.meta.url));

test("mock: the official SDK traces, publishes, scores and reads back", async () => {
  await using mock = await startMockServer({ apiKey: "k".repeat(40) });
  const output = await run(mock.url);
  const printed = JSON.parse(output.trim().split("\n").at(-1)!);

  assert.equal(printed.result.text, "HÉLLO");
  assert.deepEqual(printed.words, ["a", "é"]);
  assert.equal(printed.renamed, "renamed");
  const refused = mock.journal.entries.filter((entry) => entry.status !== 200);
  assert.deepEqual(refused.map(({ path, status }) => `${path} ${status}`), []);

  const calls = mock.store.calls("team/sdk");
  const byName = (name: string) => calls.find((call) => call.op_name!.includes(`/op/${name}:`))!;
  assert.equal(calls.length, 4);
  assert.equal(mock.store.finishedCount(), 4);
  assert.equal(byName("inner").parent_id, byName("outer").id);
  assert.equal(byName("inner").trace_id, byName("outer").trace_id);
  assert.equal(byName("failing").exception, "on purpose");
  assert.equal(byName("inner").output, "HÉLLO");

  const { kind } = mock.store.object("team/sdk", "outer")!;
  assert.equal(kind, "op");
  const [score] = mock.store.feedback("team/sdk");
  assert.deepEqual(score.payload, { output: { ok: true } });
  assert.equal(mock.store.project("team/sdk").files.size, 5);
});

function run(url: string): Promise<string> {
  const env = { ...process.env, WF_TRACE_SERVER_URL: url, WANDB_API_KEY: "k".repeat(40) };
  return new Promise((resolve, reject) => {
    execFile("node", [PROGRAM], { env, timeout: 25_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}
