import assert from "node:assert/strict";
import { unreachable, withinPermissions } from "../../../src/client/settings/permissions.ts";
import type { InitOptions } from "../../../src/client/settings/options.ts";
import { resolveSettings } from "../../../src/client/settings/settings.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { Need } from "../../../src/runtime/runtime.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { test } from "../../harness.ts";

type Kind = Need["kind"];

/** The settings on a host that denies these kinds of access. */
function grantedWithout(refused: readonly Kind[], options: InitOptions = {}) {
  const runtime = new MemoryRuntime({ cwd: "/app" });
  const given: InitOptions = { apiKey: "key", wal: true, ...options };
  const settings = resolveSettings(runtime, given);
  runtime.allows = ({ kind }) => !refused.includes(kind);
  const { settings: { wal, sender }, message } = withinPermissions(runtime, settings, given);
  return { wal, sender, message };
}

test("permissions: nothing changes on a runtime with all permissions", () => {
  assert.deepEqual(grantedWithout([]), { wal: true, sender: true, message: null });
  const { process } = detectRuntime();
  if (detectRuntime().name === "deno") return;
  for (
    const need of [
      { kind: "env", variable: "X" },
      { kind: "net", host: "example.com:443" },
      { kind: "write", path: "/x" },
    ] satisfies Need[]
  ) assert.equal(process.allows(need), true);
});

test("permissions: features without permission are disabled, and one message lists every option to add", () => {
  const net = "--allow-net=trace.wandb.ai:443";
  const files = "--allow-read=/app/.weave --allow-write=/app/.weave";
  const cases: [Kind[], InitOptions, boolean, boolean, string | null][] = [
    [
      ["net"],
      {},
      true,
      false,
      `${net}. Until then nothing is sent to https://trace.wandb.ai, records stay in /app/.weave/wal`,
    ],
    [
      ["net"],
      { wal: false },
      false,
      false,
      `${net}. Until then nothing is sent to https://trace.wandb.ai, records are lost when the program ends`,
    ],
    [["read", "write"], {}, false, true, `${files}. Until then records are kept in memory`],
    [
      ["write"],
      {},
      false,
      true,
      "--allow-write=/app/.weave. Until then records are kept in memory",
    ],
    [["read", "write"], { wal: false }, false, true, null],
    [["net"], { sender: false }, true, false, null],
    [["net"], { fetch: () => Promise.reject(new Error("unused")) }, true, true, null],
    [["net"], { serverUrl: "http://localhost:80" }, true, false, "--allow-net=localhost:80. Until"],
    [["net"], { serverUrl: "http://[::1]:8080/x" }, true, false, "--allow-net=[::1]:8080. Until"],
    [["env"], {}, true, true, null],
    [["env", "net", "read", "write"], { disabled: true }, true, true, null],
  ];
  for (const [refused, options, wal, sender, text] of cases) {
    const found = grantedWithout(refused, options);
    assert.deepEqual([found.wal, found.sender], [wal, sender], `${refused} ${text}`);
    if (text === null) assert.equal(found.message, null, `${refused}`);
    else assert.ok(found.message?.includes(`add ${text}`), found.message ?? "nothing");
  }
  const { message } = grantedWithout(["env", "net"], { apiKey: "key", wal: undefined });
  assert.ok(message?.includes("add --allow-env=WEAVE_ENABLE_WAL,WEAVE_WAL_DIR,"), message ?? "");
  assert.ok(message?.includes(net));
});

test("permissions: an explicitly set directory without permission is an error", () => {
  assert.throws(() => grantedWithout(["write"], { walDir: "/logs" }), {
    code: "ERR_LOG_UNWRITABLE",
    message: "Cannot write the log in /logs: Deno denies access; add --allow-write=/logs",
  });
});

test("permissions: an unreadable key is not reported only as missing", () => {
  const runtime = new MemoryRuntime();
  runtime.allows = ({ kind }) => kind !== "env";
  assert.throws(() => resolveSettings(runtime), {
    code: "ERR_MISSING_API_KEY",
    message: /Deno denies access to WANDB_API_KEY, .*; add --allow-env=WANDB_API_KEY,/,
  });
});

test("permissions: no connection to a server without permission is attempted", () => {
  const runtime = new MemoryRuntime();
  assert.equal(unreachable(runtime, "https://example.com/x"), null);
  runtime.allows = ({ kind }) => kind !== "net";
  assert.equal(
    unreachable(runtime, "https://example.com/x")?.message,
    "Cannot reach https://example.com: Deno denies access; add --allow-net=example.com:443",
  );
});
