import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "@std/path";
import type { Output, Terminal } from "../../../src/cli/terminal/terminal.ts";
import { runCommand } from "../../../src/cli/program.ts";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";
import { createColors } from "picocolors";

const SLOW = { timeout: 120_000 };

/** This host, with one directory that belongs to another user. */
function hostWithout(directory: string, env: Record<string, string>): Runtime {
  const runtime = detectRuntime();
  const refuse = (): never => {
    const message = `EACCES: permission denied, scandir '${directory}'`;
    throw Object.assign(new Error(message), { code: "EACCES" });
  };
  const files = overridden(runtime.files, {
    list: (path: string) => path === directory ? refuse() : runtime.files.list(path),
    scan: (path: string) => path === directory ? refuse() : runtime.files.scan(path),
  });
  const process = overridden(runtime.process, { env: (name: string) => env[name] });
  return { ...runtime, files, process };
}

function overridden<T extends object>(whole: T, parts: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      const own = (parts as Record<PropertyKey, unknown>)[name];
      if (own !== undefined) return own;
      const value = (target as Record<PropertyKey, unknown>)[name];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A terminal that records its output. */
function memoryTerminal(): { terminal: Terminal; output: () => string } {
  let text = "";
  const output: Output = {
    isTerminal: false,
    columns: undefined,
    rows: undefined,
    colors: createColors(false),
    stream: undefined as unknown as Output["stream"],
    write: (more) => {
      text += more;
      return Promise.resolve();
    },
  };
  return {
    terminal: { out: output, err: output, ask: () => Promise.resolve(null) },
    output: () => text,
  };
}

test("an unreadable directory is not treated as empty", async () => {
  await using place = await temporary();
  for (const name of ["acme/chat", "beta/chat"]) {
    const log = openLog(place.wal, name);
    writeCalls(log, name, 1);
    await log.finish();
  }
  for (const directory of ["beta", "beta/chat"]) {
    for (const args of [["status"], ["flush"], ["inspect"], ["verify"], ["dead-letters", "list"]]) {
      const { terminal, output } = memoryTerminal();
      const env = { WEAVE_WAL_DIR: place.wal, WANDB_API_KEY: "key", HOME: place.path };
      const runtime = hostWithout(join(place.wal, directory), env);
      const stop = new AbortController().signal;
      assert.equal(await runCommand(args, { runtime, terminal, stop }), 3, args.join(" "));
      assert.match(output(), /Cannot use the log: EACCES: permission denied, scandir '.*beta/);
      assert.match(output(), /run this as the user that the programs run as/);
    }
  }
}, SLOW);

test("follow sends readable segments, and reports unreadable ones once", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const own = openLog(place.wal, "acme/chat", { server: mock.url });
  const hidden = openLog(place.wal, "beta/chat", { server: mock.url });
  for (const directory of ["beta", "beta/chat"]) {
    writeCalls(hidden, "beta/chat", 1);
    writeCalls(own, "acme/chat", 3);
    const before = mock.store.finishedCount("acme/chat");
    const { terminal, output } = memoryTerminal();
    const env = {
      WEAVE_WAL_DIR: place.wal,
      WANDB_API_KEY: "key",
      WF_TRACE_SERVER_URL: mock.url,
      HOME: place.path,
    };
    const runtime = hostWithout(join(place.wal, directory), env);
    const stop = new AbortController();
    const ended = runCommand(["flush", "--follow"], { runtime, terminal, stop: stop.signal });
    await mock.waitFor((store) => store.finishedCount("acme/chat") === before + 3, {
      timeout: 60_000,
    });
    stop.abort("SIGTERM");
    assert.equal(await ended, 0, output());
    assert.equal(output().match(/Error \(.*\): EACCES: permission denied/g)?.length, 1, output());
  }
  assert.equal(mock.store.finishedCount("beta/chat"), 0);
  await own.finish();
  await hidden.finish();
}, SLOW);

test("every command warns of a directory that other users can change", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, "acme/chat");
  writeCalls(log, "acme/chat", 1);
  await log.finish();
  chmodSync(place.wal, 0o777);
  for (
    const args of [
      ["status"],
      ["flush", "--timeout", "0s"],
      ["inspect"],
      ["verify"],
      ["dead-letters", "list"],
      ["dead-letters", "export"],
    ]
  ) {
    const { terminal, output } = memoryTerminal();
    const env = { WEAVE_WAL_DIR: place.wal, WANDB_API_KEY: "key", HOME: place.path };
    const runtime = hostWithout("/none", env);
    await runCommand(args, { runtime, terminal, stop: new AbortController().signal });
    assert.match(
      output(),
      /wal: every user may write to it \(mode 0777\)\. Other users/,
      args.join(" "),
    );
  }
}, SLOW);
