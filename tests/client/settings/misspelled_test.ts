import assert from "node:assert/strict";
import { misspelledVariables } from "../../../src/client/settings/misspelled.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { cliProcess, temporary } from "../../support/cli/cli_support.ts";
import { test } from "../../harness.ts";

/** The warning about a variable. */
function saidOf(name: string): string | undefined {
  return misspelledVariables(new MemoryRuntime({ env: { [name]: "true" } }))[0];
}

test("misspelled: variables that resemble settings of the log are reported, with a suggestion", () => {
  const cases: Record<string, string> = {
    WEAVE_ENABLE_WALL: "WEAVE_ENABLE_WAL",
    WEAVE_ENABLED_WAL: "WEAVE_ENABLE_WAL",
    WEAVE_WAL_ENABLE: "WEAVE_ENABLE_WAL",
    WEAVE_WAL_ENABLED: "WEAVE_ENABLE_WAL",
    WEAVE_ENABEL_WAL: "WEAVE_ENABLE_WAL",
    WEAVE_ENABLEWAL: "WEAVE_ENABLE_WAL",
    WAVE_ENABLE_WAL: "WEAVE_ENABLE_WAL",
    WEAVE_ENABLE_WA: "WEAVE_ENABLE_WAL",
    weave_enable_wal: "WEAVE_ENABLE_WAL",
    WEAVE_DISABLE_WALSENDER: "WEAVE_DISABLE_WAL_SENDER",
    WEAVE_WAL_SENDER_DISABLED: "WEAVE_DISABLE_WAL_SENDER",
    WEAVE_WALDIR: "WEAVE_WAL_DIR",
    WEAVE_DIR_WAL: "WEAVE_WAL_DIR",
    WEAVE_WAL_ALLOWHTTP: "WEAVE_WAL_ALLOW_HTTP",
  };
  for (const [name, meant] of Object.entries(cases)) {
    assert.equal(
      saidOf(name),
      `Ignored the environment variable ${name}: it is not a setting; did you mean ${meant}?`,
    );
    assert.equal(saidOf(name), undefined, "once in a process");
  }
  for (const name of ["WEAVE_WAL", "WEAVE_USE_WAL", "WEAVE_WAL_FSYNC", "MY_WEAVE_WAL"]) {
    assert.match(saidOf(name) ?? "", new RegExp(`${name}: .*known are .*WEAVE_ENABLE_WAL`));
  }
});

test("misspelled: settings, and variables of others, are left alone", () => {
  const names = [
    ...["WEAVE_ENABLE_WAL", "WEAVE_DISABLE_WAL_SENDER", "WEAVE_WAL_DIR", "WEAVE_WAL_ALLOW_HTTP"],
    ...["WEAVE_DISABLED", "WEAVE_PARALLELISM", "WANDB_API_KEY", "WF_TRACE_SERVER_URL"],
    ...["WALLET", "WEAVE_ENABLE", "PGWAL_DIR", "ENABLE_WAL", "WEAVE_ENABLE_CACHE"],
    // Set by Kubernetes for a service named weave-wal.
    ...["WEAVE_WAL_SERVICE_HOST", "WEAVE_WAL_SERVICE_PORT", "WEAVE_WAL_SERVICE_PORT_HTTP"],
    ...["WEAVE_WAL_PORT", "WEAVE_WAL_PORT_80_TCP", "WEAVE_WAL_PORT_80_TCP_ADDR"],
  ];
  for (const name of names) assert.equal(saidOf(name), undefined, name);
  assert.deepEqual(misspelledVariables(new MemoryRuntime({ env: { WEAVE_WAL_X: "" } })), []);
});

test("misspelled: a client and the command say it on standard error", async () => {
  using fixture = await clientFixture({}, {
    env: { WANDB_API_KEY: "key", WEAVE_ENABLE_WALS: "true" },
  });
  assert.deepEqual(fixture.printed, []);
  assert.equal(fixture.warned.length, 1);
  assert.match(fixture.warned[0], /^weave-wal: Ignored .* WEAVE_ENABLE_WALS: /);
  await using place = await temporary();
  const env = { WEAVE_ENABLE_WALS: "true" };
  const { code, out, err } = await cliProcess(["status"], { cwd: place.path, env });
  assert.equal(code, 0, err);
  assert.match(err, /^Ignored the environment variable WEAVE_ENABLE_WALS: .*WEAVE_ENABLE_WAL\?$/m);
  assert.doesNotMatch(out, /WALS/);
}, { timeout: 60_000 });
