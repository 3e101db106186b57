/**
 * Repeated `init`: one client per project, server and log.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finish, flush, init } from "../../src/client/init.ts";
import { op } from "../../src/client/op/op.ts";
import type { InitOptions } from "../../src/client/settings/options.ts";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";

interface Place {
  readonly mock: MockServer;
  readonly walDir: string;
  readonly options: InitOptions;
  /** Names of the log files of a project. */
  logs(project: string): string[];
}

/** Runs `body` with a server and a folder, and finishes the opened clients. */
async function place(body: (place: Place) => Promise<void>): Promise<void> {
  await using mock = await startMockServer();
  const walDir = mkdtempSync(join(tmpdir(), "weave-wal-init-"));
  try {
    await body({
      mock,
      walDir,
      options: {
        apiKey: "key",
        serverUrl: mock.url,
        baseUrl: mock.url,
        wal: true,
        walDir,
        printCallLink: false,
        logLevel: "critical",
      },
      logs: (project) =>
        readdirSync(join(walDir, project)).filter((name) => name.endsWith(".jsonl")),
    });
    assert.equal((await finish({ timeout: 10_000 })).done, true);
  } finally {
    rmSync(walDir, { recursive: true });
  }
}

test("init: twenty calls at once give one client, one log, and a flush that covers all", async () => {
  await place(async ({ mock, options, logs }) => {
    const handler = op(async function handler(n: number) {
      await init("team/once", { ...options, onEvent: () => {} });
      return n;
    });
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => init("team/once", options)),
    );
    assert.equal(new Set(clients).size, 1);
    await Promise.all([1, 2, 3].map((n) => handler(n)));
    assert.equal(logs("team/once").length, 1);
    assert.equal((await flush()).done, true);
    assert.equal(mock.store.finishedCount("team/once"), 3);
  });
});

test("init: the short and the full name of a project are equivalent", async () => {
  await place(async ({ options }) => {
    const answer = () =>
      Promise.resolve(Response.json({ data: { viewer: { defaultEntity: { name: "ada" } } } }));
    const asked: string[] = [];
    const fetch = (url: string, init?: RequestInit) => {
      asked.push(url);
      return url.endsWith("/graphql") ? answer() : globalThis.fetch(url, init);
    };
    const [one, two] = await Promise.all([
      init("once", { ...options, fetch }),
      init("ada/once", { ...options, fetch }),
    ]);
    assert.equal(one, two);
    assert.equal(one.projectId, "ada/once");
    assert.ok(asked.some((url) => url.endsWith("/graphql")));
  });
});

test("init: a finished client is not reused, and settings that distinguish logs create a new one", async () => {
  await place(async ({ mock, walDir, options }) => {
    const first = await init("team/once", options);
    await first.finish();
    const second = await init("team/once", options);
    assert.notEqual(first, second);
    const others = await Promise.all([
      init("team/once", { ...options, walDir: join(walDir, "other") }),
      init("team/once", { ...options, wal: false }),
      init("team/once", { ...options, apiKey: "another" }),
      init("team/once", { ...options, serverUrl: `${mock.url}/` }),
      init("team/two", options),
    ]);
    assert.equal(new Set([second, ...others]).size, 5);
    assert.equal(others[3], second, "the same server, written differently");
  });
});

test("init: ignored options of a later call are reported once", async () => {
  await place(async ({ options }) => {
    const logged: string[] = [];
    const heard: string[] = [];
    const onEvent = ({ name, message }: { name: string; message: string }) => {
      if (name === "init-again") logged.push(message);
    };
    const client = await init("team/once", { ...options, onEvent, lingerMs: 7 });
    for (let i = 0; i < 3; i++) {
      const more = { fsync: "always" as const, lingerMs: 8 };
      assert.equal(await init("team/once", { ...options, ...more, onEvent }), client);
    }
    assert.equal(logged.length, 1);
    assert.match(logged[0], /team\/once is open already.*differs in fsync, lingerMs.*finish\(\)/);
    // The listener of the last call gets the events.
    await init("team/once", { ...options, lingerMs: 7, onEvent: ({ name }) => heard.push(name) });
    assert.equal((await client.finish()).done, true);
    client.callUpdate("none", "late");
    assert.deepEqual([logged.length, heard.includes("dropped")], [1, true]);
    await init("team/once", options);
  });
});

test("flush and finish: every client that init opened is flushed and finished", async () => {
  await place(async ({ mock, options }) => {
    const leaf = op(function leaf() {});
    for (const project of ["team/one", "team/two"]) {
      await init(project, { ...options, lingerMs: 60_000 });
      leaf();
    }
    const { done, delivered } = await flush();
    assert.equal(done, true);
    assert.ok(delivered >= 8, `${delivered} delivered`);
    assert.equal(mock.store.finishedCount("team/one"), 1);
    leaf();
    assert.equal((await finish()).done, true);
    assert.equal(mock.store.finishedCount("team/two"), 2);
    await assert.rejects(flush(), { code: "ERR_NOT_INITIALIZED" });
    await init("team/one", options);
  });
});
