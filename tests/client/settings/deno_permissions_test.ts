/**
 * Programs with few Deno permissions: sufficient ones suffice, missing ones are listed in
 * one message, the user is never prompted, and the program exits.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { join } from "@std/path";
import { projectRoot, run } from "../../../scripts/test/process.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { test, type TestOptions } from "../../harness.ts";
import { startForwardProxy, startTls } from "../../support/network/forward_proxy.ts";

const isDeno = detectRuntime().name === "deno";
const DENO: TestOptions = { timeout: 90_000, skip: isDeno ? false : "only Deno has permissions" };

interface Place extends Disposable {
  readonly path: string;
}

function temporary(): Place {
  const path = mkdtempSync(join(tmpdir(), "weave-wal-permissions-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

interface Ended {
  readonly status: number | null;
  /** The last line that the program printed; `null` if it printed nothing. */
  readonly result: Record<string, unknown> | null;
  /** Lines printed by this package, or the error that ended the program. */
  readonly logged: string[];
}

/** Runs the program in `cwd` with these permissions, and a key and a server in the environment. */
async function runWith(
  cwd: string,
  server: string,
  flags: readonly string[],
  options: Record<string, unknown> = {},
  env: Record<string, string> = {},
): Promise<Ended> {
  const program = join(projectRoot, "tests/support/client/programs/grants_child.ts");
  const config = ["--no-check", "--config", join(projectRoot, "deno.json")];
  const { status, output } = await run(
    process.execPath,
    ["run", "--no-prompt", ...config, ...flags, program, JSON.stringify(options)],
    {
      cwd,
      env: {
        NO_COLOR: "1",
        HOME: cwd,
        WANDB_API_KEY: "key",
        WANDB_BASE_URL: "",
        WF_TRACE_SERVER_URL: server,
        WEAVE_ENABLE_WAL: "true",
        WEAVE_WAL_DIR: "",
        ...env,
      },
    },
  );
  const lines = output.trim().split("\n");
  const last = lines.findLast((line) => line.startsWith("{"));
  return {
    status,
    result: last === undefined ? null : JSON.parse(last),
    logged: lines.filter((line) => /^(?:weave-wal: |error: )/.test(line)),
  };
}

const delivered = { done: true, delivered: 6, pendingRecords: 0 };
const hostOf = (url: string): string => new URL(url).host;
/** Read and write access to a path. */
const files = (path: string): string[] => [`--allow-read=${path}`, `--allow-write=${path}`];
const ENV =
  "--allow-env=WANDB_API_KEY,WEAVE_ENABLE_WAL,WEAVE_WAL_DIR,WEAVE_DISABLE_WAL_SENDER,WF_TRACE_SERVER_URL,WANDB_BASE_URL";

test("permissions: the log's directory, the server and the variables are enough", async () => {
  await using mock = await startMockServer();
  const net = `--allow-net=${hostOf(mock.url)}`;
  const cases: [title: string, directory: string | null, grant: string, walDir?: string][] = [
    ["the default directory, not made yet", null, ".weave"],
    ["the default directory", ".weave/wal", ".weave/wal"],
    ["a directory that is there", "logs", "logs", "logs"],
    ["a directory that is not made yet", null, "logs", "logs"],
    ["a directory below others that may not be seen", "a/b", "a/b/logs", "a/b/logs"],
  ];
  for (const [title, directory, grant, walDir] of cases) {
    using place = temporary();
    if (directory !== null) mkdirSync(join(place.path, directory), { recursive: true });
    const options = walDir === undefined ? {} : { walDir };
    const flags = [net, ENV, ...files(grant)];
    const { status, result, logged } = await runWith(place.path, mock.url, flags, options);
    assert.equal(status, 0, `${title}: ${logged}`);
    assert.deepEqual(result, delivered, title);
    assert.equal(logged.length, 1, `${title}: ${logged}`);
    assert.match(logged[0], /log on; records are written to .*\/team\/granted and sent to http/);
    const logs = join(place.path, walDir ?? ".weave/wal");
    assert.deepEqual(readdirSync(logs).filter((name) => !name.startsWith(".")), ["team"], title);
  }
}, DENO);

test("permissions: a proxy is used whether connections to it are granted or not", async () => {
  await using mock = await startMockServer();
  await using tls = await startTls("trace.test", Number(new URL(mock.url).port));
  for (const isGranted of [true, false]) {
    await using proxy = await startForwardProxy({ "trace.test": tls.port });
    using place = temporary();
    const { status, result, logged } = await runWith(
      place.path,
      "https://trace.test",
      [
        `--allow-net=trace.test:443${isGranted ? `,${hostOf(proxy.url)}` : ""}`,
        `${ENV},HTTPS_PROXY,NO_PROXY`,
        ...files(".weave"),
      ],
      {},
      { HTTPS_PROXY: proxy.url, DENO_CERT: tls.authority, DENO_NO_UPDATE_CHECK: "1" },
    );
    assert.deepEqual([status, result, logged.length], [0, delivered, 1], logged.join("\n"));
    assert.ok(proxy.requests.length > 0);
  }
  assert.equal(mock.store.finishedCount("team/granted"), 4);
}, DENO);

test("permissions: without the server records stay on disk, and the program ends", async () => {
  using place = temporary();
  await using mock = await startMockServer();
  const { status, result, logged } = await runWith(place.path, mock.url, [ENV, ...files(".weave")]);
  assert.equal(status, 0, logged.join());
  const left = { done: false, delivered: 0, pendingRecords: 6, reason: "sender-off" };
  assert.deepEqual(result, left);
  const named = logged.filter((line) => line.includes("--allow-net"));
  assert.equal(named.length, 1, logged.join("\n"));
  assert.match(
    named[0],
    new RegExp(
      `permissions that tracing needs are missing; add --allow-net=${
        hostOf(mock.url)
      }\\. .* records stay in `,
    ),
  );
  // Once granted, the next run delivers both.
  const flags = [`--allow-net=${hostOf(mock.url)}`, ENV, ...files(".weave")];
  const later = await runWith(place.path, mock.url, flags);
  assert.equal(later.result?.done, true);
  assert.equal(mock.store.finishedCount("team/granted"), 4);
}, DENO);

test("permissions: without the log's directory records are delivered from memory", async () => {
  await using mock = await startMockServer();
  const net = `--allow-net=${hostOf(mock.url)}`;
  for (const flags of [[], ["--allow-read"], ["--allow-write"]]) {
    using place = temporary();
    const { status, result, logged } = await runWith(place.path, mock.url, [net, ENV, ...flags]);
    assert.equal(status, 0, logged.join());
    assert.deepEqual(result, delivered);
    assert.equal(logged.length, 1, logged.join("\n"));
    const missing = files(`${place.path}/.weave`).filter((flag) =>
      !flags.some((has) => flag.startsWith(`${has}=`))
    );
    assert.ok(
      logged[0].includes(`add ${missing.join(" ")}. Until then records are kept in memory`),
    );
    assert.ok(!readdirSync(place.path).includes(".weave"));
  }
  using place = temporary();
  const named = await runWith(place.path, mock.url, [net, ENV], { walDir: "logs" });
  assert.equal(named.status, 1);
  assert.match(
    named.logged.join("\n"),
    /ERR_LOG_UNWRITABLE|Cannot write the log in .*\/logs: Deno/,
  );
  assert.ok(named.logged.join("\n").includes(files(`${place.path}/logs`).join(" ")));
}, DENO);

test(
  "permissions: without access to the environment, the message lists the variables, not only the key",
  async () => {
    using place = temporary();
    await using mock = await startMockServer();
    const all = ["--allow-net", "--allow-read", "--allow-write"];
    const nothing = await runWith(place.path, mock.url, all);
    assert.equal(nothing.status, 1);
    assert.equal(nothing.logged.length, 1);
    assert.match(
      nothing.logged[0],
      /Deno denies access to WANDB_API_KEY, .* add --allow-env=WANDB_API_KEY,WEAVE_ENABLE_WAL/,
    );
    // The code sets the server and the key, but not whether the log is on.
    const some = await runWith(place.path, mock.url, all, { apiKey: "key", serverUrl: mock.url });
    assert.deepEqual(some.result, delivered);
    assert.equal(some.logged.length, 1);
    assert.match(
      some.logged[0],
      /add --allow-env=WEAVE_ENABLE_WAL,WEAVE_WAL_DIR,.* environment variables are not read$/,
    );
    // The code sets everything.
    const options = { apiKey: "key", serverUrl: mock.url, wal: false };
    const enough = await runWith(
      place.path,
      mock.url,
      [`--allow-net=${hostOf(mock.url)}`],
      options,
    );
    assert.deepEqual([enough.status, enough.result, enough.logged], [0, delivered, []]);
  },
  DENO,
);

test(
  "permissions: with nothing at all, one message names everything, and the program ends",
  async () => {
    using place = temporary();
    const options = { apiKey: "key", serverUrl: "http://127.0.0.1:9", wal: true };
    // Deno grants all permissions to children that are started without any.
    const { status, result, logged } = await runWith(place.path, "", ["--allow-env=NONE"], options);
    assert.equal(status, 0, logged.join());
    assert.equal(result?.reason, "sender-off");
    assert.equal(logged.length, 1, logged.join("\n"));
    for (const flag of ["--allow-net=127.0.0.1:9", ...files(`${place.path}/.weave`)]) {
      assert.ok(logged[0].includes(flag), logged[0]);
    }
    assert.match(logged[0], /records are lost when the program ends$/);
  },
  DENO,
);

test(
  "permissions: settings files without read permission are skipped without a prompt",
  async () => {
    using place = temporary();
    await using mock = await startMockServer();
    const program = join(projectRoot, "tests/support/client/programs/grants_child.ts");
    // At a terminal without --no-prompt, a denied read would prompt the user.
    const options = JSON.stringify({ apiKey: "key", serverUrl: mock.url, wal: true });
    const command = [
      ...[process.execPath, "run", "--no-check", "--config", join(projectRoot, "deno.json")],
      ...[program, `'${options}'`],
    ].join(" ");
    const { status, output } = await run("script", ["-qec", command, "/dev/null"], {
      cwd: place.path,
      env: { NO_COLOR: "1", HOME: place.path },
    });
    assert.equal(status, 0, output);
    assert.doesNotMatch(output, /requests|Allow\?/);
    assert.match(output, /"reason":"sender-off"/);
  },
  DENO,
);
