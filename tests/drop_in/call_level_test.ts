/**
 * The call level: the log replaces the SDK's queue, if that works as expected.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { hasCompatibleQueue } from "../../src/drop_in/patch/sdk_client.ts";
import { test } from "../harness.ts";
import {
  bundleProgram,
  SDK_VERSIONS,
  SdkProject,
  withoutStart,
} from "../support/drop_in/register_fixture.ts";

/** Lines of a project's logs. */
function logged(project: SdkProject, name: string): { type: string }[] {
  const directory = join(project.walDir, name);
  const files = readdirSync(directory).filter((file) => file.endsWith(".jsonl"));
  return files.flatMap((file) =>
    readFileSync(join(directory, file), "utf8").trim().split("\n").map((line) => JSON.parse(line))
  );
}

for (const version of Object.keys(SDK_VERSIONS)) {
  test(`register: with weave ${version}, a call is in the file when its op returns`, async () => {
    using project = new SdkProject(version);
    // Nothing is sent, so that the records stay in the file.
    const env = { WEAVE_ENABLE_WAL: "true", WEAVE_DISABLE_WAL_SENDER: "true", EXIT: "1" };
    const { code, lines, errors } = await project.run("counting.mjs", { env, args: ["5"] });
    assert.equal(code, 7, errors);
    assert.doesNotMatch(withoutStart(errors), /weave-wal/);
    assert.equal(lines.at(-1), "returned 4");
    const types = logged(project, "team/counting").map(({ type }) => type);
    assert.equal(types.filter((type) => type === "call_start").length, 10);
    assert.equal(types.filter((type) => type === "call_end").length, 10);
    assert.equal(types.filter((type) => type === "obj_create").length, 2);
  });
}

test("register: an SDK that was loaded earlier is found too", async () => {
  using project = new SdkProject();
  const { code, errors } = await project.run("counting.mjs", {
    before: ["early.mjs"],
    env: { WEAVE_ENABLE_WAL: "true", WEAVE_DISABLE_WAL_SENDER: "true", EXIT: "1" },
    args: ["5"],
  });
  assert.equal(code, 7, errors);
  const ends = logged(project, "team/counting").filter(({ type }) => type === "call_end");
  assert.equal(ends.length, 10);
});

test("register: values that would stop the SDK's queue are recorded, and so is what follows", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  const { code, lines, errors } = await project.run("odd.mjs", {
    env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url },
  });
  assert.equal(code, 0, errors);
  assert.equal(lines.at(-1), "through");
  const calls = mock.store.calls("team/odd");
  assert.equal(mock.store.finishedCount("team/odd"), 4);
  assert.deepEqual(calls.map(({ output }) => output).sort(), [
    10,
    11 * 1024 * 1024,
    "12345678901234567890",
    4,
  ]);
  const { around } = calls.find(({ output }) => output === 10)!.attributes;
  assert.deepEqual(around, { name: "around", self: "[Circular]" });
  assert.equal(calls.find(({ output }) => output === 4)!.display_name, "renamed at last");
});

test("register: a log has the order in which its events happened", async () => {
  using project = new SdkProject();
  const env = { WEAVE_ENABLE_WAL: "true", WEAVE_DISABLE_WAL_SENDER: "true", EXIT: "1" };
  const { code, lines } = await project.run("plain.cjs", { env });
  assert.deepEqual([code, lines.at(-1)], [7, "result 42"]);
  const types = logged(project, "team/plain").map(({ type }) => type);
  assert.deepEqual(types, ["file_create", "obj_create", "call_start", "call_end"]);
});

test("register: an SDK that hides its queue is handled by its requests, with one warning", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  const { code, lines, errors } = await project.run("counting.mjs", {
    before: ["hidden.mjs"],
    env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url },
    args: ["50"],
  });
  assert.equal(code, 0, errors);
  assert.equal(lines.at(-1), "returned 49");
  assert.equal(errors.match(/the queue of weave 0\.11\.1:.*200 ms/g)?.length, 1, errors);
  assert.equal(mock.store.finishedCount("team/counting"), 100);
  assert.ok(mock.journal.entries.some(({ path }) => path.endsWith("/calls/complete")));
});

test("register: an SDK inside a bundle is handled by its requests, with one warning", async () => {
  using project = new SdkProject("0.11.1", { exitDrainMs: 20_000 });
  await using mock = await startMockServer();
  bundleProgram("plain.cjs", join(project.directory, "bundle.cjs"));
  const { code, lines, errors } = await project.run("bundle.cjs", {
    env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url },
  });
  assert.equal(code, 0, errors);
  assert.ok(lines.includes("result 42"));
  assert.equal(errors.match(/Cannot intercept the queue/g)?.length, 1, errors);
  assert.equal(mock.store.finishedCount("team/plain"), 1);
  assert.ok(mock.journal.entries.some(({ path }) => path.endsWith("/calls/complete")));
  assert.ok(existsSync(project.walDir));
});

test("register: a bundled SDK is named at its first request, before a call can be lost", async () => {
  using project = new SdkProject();
  bundleProgram("plain.cjs", join(project.directory, "bundle.cjs"));
  const { code, lines, errors } = await project.run("bundle.cjs", {
    env: {
      WEAVE_ENABLE_WAL: "true",
      WEAVE_DISABLE_WAL_SENDER: "true",
      WEAVE_LOG_LEVEL: "warning",
      EXIT: "1",
    },
  });
  assert.deepEqual([code, lines.at(-1)], [7, "result 42"]);
  assert.equal(errors.match(/^weave-wal: /gm)?.length, 1, errors);
  assert.match(
    errors,
    /a copy of weave inside a bundle: .*are lost .*\. Leave weave out of the bundle/,
  );
  const types = logged(project, "team/plain").map(({ type }) => type);
  assert.ok(!types.includes("call_end"), "the process ended before the SDK sent its calls");
});

test("register: the queue is tested before it is replaced", () => {
  interface Queue {
    callQueue: unknown[];
    scheduleBatchProcessing(): void;
  }
  class Known {
    declare callQueue: unknown[];
    declare scheduleBatchProcessing: () => void;
    saveCallStart(start: unknown): void {
      this.callQueue.push({ mode: "start", data: { start } });
      this.scheduleBatchProcessing();
    }
    saveCallEnd(end: unknown): void {
      this.callQueue.push({ mode: "end", data: { end } });
      this.scheduleBatchProcessing();
    }
  }
  assert.ok(hasCompatibleQueue(Known.prototype));
  const changed = (change: Record<string, unknown>): unknown =>
    Object.assign(Object.create(Known.prototype), change);
  const variants: Record<string, unknown>[] = [
    { saveCallStart: undefined },
    { saveCallEnd: () => {} },
    { saveCallStart: () => Promise.resolve() },
    {
      saveCallStart(this: Queue, start: object): void {
        this.callQueue.push({ mode: "start", data: { start: { ...start } } });
      },
    },
    {
      saveCallEnd(this: Queue, end: unknown): void {
        this.callQueue.unshift({ mode: "end", data: { end } });
      },
    },
    {
      saveCallEnd(this: Queue & { buffer: unknown[] }, end: unknown): void {
        this.buffer.push(end);
      },
    },
  ];
  for (const variant of variants) {
    assert.ok(!hasCompatibleQueue(changed(variant)), `${Object.keys(variant)}`);
  }
  assert.ok(!hasCompatibleQueue(null));
});
