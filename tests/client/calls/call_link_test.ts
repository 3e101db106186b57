import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { op } from "../../../src/client/op/op.ts";
import { childCommand } from "../../support/processes/child_fixture.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const leaf = op(function leaf() {});
const root = op(function root() {
  leaf();
});

test("call link: every root call has a link on a terminal, or on request", async () => {
  const cases = [
    { isTerminal: true, expected: 1 },
    { isTerminal: false, expected: 0 },
    { isTerminal: false, printCallLink: true, expected: 1 },
    { isTerminal: true, printCallLink: false, expected: 0 },
    { isTerminal: true, logLevel: "error" as const, expected: 0 },
    { isTerminal: false, env: "true", expected: 1 },
    { isTerminal: true, env: "false", printCallLink: true, expected: 0 },
  ];
  for (const { isTerminal, printCallLink, logLevel, env, expected } of cases) {
    const variables: Record<string, string> = { WANDB_API_KEY: "key" };
    if (env !== undefined) variables.WEAVE_PRINT_CALL_LINK = env;
    using fixture = await clientFixture({ printCallLink, logLevel }, {
      isTerminal,
      env: variables,
    });
    root();
    const [{ id }] = fixture.pipeline.callsOf("root");
    const link = `🍩 https://wandb.ai/team/demo/r/call/${id}`;
    assert.deepEqual(fixture.printed, Array(expected).fill(link));
  }
});

test("call link: links keep the protocol and the port of the W&B server", async () => {
  const cases = [
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://127.0.0.1", "http://127.0.0.1"],
    ["https://wandb.example.com/base", "https://wandb.example.com"],
    ["https://api.wandb.ai", "https://wandb.ai"],
  ];
  for (const [baseUrl, web] of cases) {
    using fixture = await clientFixture({
      baseUrl,
      apiKey: "key",
      serverUrl: "https://trace.example.com",
      printCallLink: true,
    });
    root();
    assert.ok(fixture.printed[0].startsWith(`🍩 ${web}/team/demo/r/call/`), fixture.printed[0]);
    const ref = await fixture.client.publish({ n: 1 }, "n");
    assert.ok(ref.ui_url().startsWith(`${web}/team/demo/weave/objects/n/`), ref.ui_url());
  }
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** Runs the program; `closed` is the stream whose reader is closed from the start. */
function run(
  way: string,
  { closed, env = {}, terminal }: {
    closed?: ("stdout" | "stderr")[];
    env?: Record<string, string>;
    terminal?: boolean;
  },
): Promise<Ended> {
  const [command, ...args] = childCommand("support/client/programs/op_child.ts", way);
  const quoted = [command, ...args].map((word) => `'${word}'`).join(" ");
  const child = terminal
    ? spawn("script", ["-qec", quoted, "/dev/null"], { env: { ...process.env, ...env } })
    : spawn(command, args, { env: { ...process.env, ...env } });
  let out = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text) => errors += text);
  for (const name of closed ?? []) child[name].destroy();
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, errors }));
  });
}

const LINKS = { WEAVE_PRINT_CALL_LINK: "true" };

test("call link: the library writes nothing to standard output, and no link without a person", async () => {
  const [quiet, asked] = await Promise.all([
    run("writes traced", {}),
    run("writes traced", { env: LINKS }),
  ]);
  assert.deepEqual([quiet.code, quiet.out], [4, "data\n"], quiet.errors);
  assert.doesNotMatch(quiet.errors, /🍩/);
  assert.deepEqual([asked.code, asked.out], [4, "data\n"], asked.errors);
  assert.equal(asked.errors.match(/🍩 https:/g)?.length, 5, asked.errors);
});

test("call link: a program whose standard output or standard error is closed continues", async () => {
  const [noErrors, neither, noOutput] = await Promise.all([
    run("writes traced", { closed: ["stderr"], env: LINKS }),
    run("writes silent", { closed: ["stdout", "stderr"], env: LINKS }),
    run("writes silent", { closed: ["stdout"], env: LINKS }),
  ]);
  assert.deepEqual([noErrors.code, noErrors.out], [4, "data\n"]);
  assert.equal(neither.code, 4);
  assert.equal(noOutput.code, 4, noOutput.errors);
  assert.equal(noOutput.errors.match(/🍩 https:/g)?.length, 5, noOutput.errors);
});

test("call link: warnings of init do not end a program whose standard error is closed", async () => {
  const [open, closed] = await Promise.all([
    run("inits traced", {}),
    run("inits traced", { closed: ["stderr"] }),
  ]);
  assert.ok(open.errors.match(/is open already/g)!.length === 3, open.errors);
  assert.deepEqual([open.code, closed.code], [4, 4]);
});

test("call link: a terminal means that a person is watching", async () => {
  const { code, out } = await run("writes traced", { terminal: true });
  assert.equal(code, 4, out);
  assert.equal(out.match(/🍩 https:/g)?.length, 5, out);
}, { skip: existsSync("/usr/bin/script") ? false : "there is no script(1) to make a terminal" });
