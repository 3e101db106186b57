import assert from "node:assert/strict";
import { resolveSettings } from "../../../src/client/settings/settings.ts";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const API_KEY = "0123456789abcdef0123456789abcdef01234567";

const R = "[REDACTED]";

test("redaction: digests are those of what is written", async () => {
  using fixture = await clientFixture();
  const { client, pipeline } = fixture;
  const secret = { api_key: "abc", n: 1 };
  const redacted = { api_key: R, n: 1 };
  assert.deepEqual(client.objCreate("a", secret), client.objCreate("a", redacted));
  assert.deepEqual(client.tableCreate([secret]), client.tableCreate([redacted]));
  assert.deepEqual(client.fileCreate("password.txt", "abc"), client.fileCreate("x", R));
  const [first, second] = pipeline.of("obj_create");
  assert.deepEqual(first, second);
});

test("redaction: settings are checked, and weave.jsonc cannot turn the defaults off", async () => {
  for (
    const options of [
      { redactKeys: "ssn" },
      { redactKeys: ["a"] },
      { redactPatterns: ["("] },
      { redactPatterns: [/x*/] },
      { redactDefaults: "no" },
      { redact: {} },
    ]
  ) {
    await assert.rejects(clientFixture(options as Any), { code: "ERR_INVALID_OPTION" });
  }
  const runtime = new MemoryRuntime();
  runtime.files.replace("/weave.jsonc", '{ "redactDefaults": false }');
  assert.throws(
    () => resolveSettings(runtime, { disabled: true }),
    /a project's files cannot set it; set WEAVE_WAL_REDACT_DEFAULTS/,
  );
  using fixture = await clientFixture({ redactDefaults: false, redactPatterns: ["Ada"] }, {
    env: { WANDB_API_KEY: API_KEY, WEAVE_WAL_REDACT_KEYS: "tax_id, iban" },
  });
  op((given: unknown) => given, { name: "echo" })({ password: "p", iban: "i", by: "Ada L" });
  assert.deepEqual(fixture.pipeline.callsOf("echo")[0].output, {
    password: "p",
    iban: R,
    by: `${R} L`,
  });
});
