import assert from "node:assert/strict";
import type { Scenario } from "../../scripts/conformance/scenario.ts";
import { planRuns } from "../../scripts/conformance/suite.ts";
import { run } from "../../scripts/test/process.ts";
import { test } from "../harness.ts";

const SCENARIOS: readonly Scenario[] = (
  [["once", "run"], ["plain", "runtime and API"], ["core", "runtime and API", "essential"], [
    "long",
    "runtime",
    "slow",
  ]] as const
).map(([name, each, weight]) => ({
  name,
  title: name,
  each,
  ...(weight ? { weight } : {}),
  run: () => Promise.resolve({ sent: "", arrived: "" }),
}));

function runsOf(selection: { only?: string[]; quick?: boolean }): string[] {
  const all = { only: [], runtime: ["node", "bun"] as const, ...selection };
  return planRuns(SCENARIOS, all).map(({ scenario, runtime, api }) =>
    `${scenario.name} ${runtime} ${api}`
  );
}

test("conformance: every scenario runs on every runtime, and through both APIs where they matter", () => {
  assert.deepEqual(runsOf({}), [
    ...["once node v2", "plain node v1", "plain node v2", "core node v1", "core node v2"],
    ...[
      "long node v2",
      "plain bun v1",
      "plain bun v2",
      "core bun v1",
      "core bun v2",
      "long bun v2",
    ],
  ]);
  assert.deepEqual(runsOf({ only: ["long"] }), ["long node v2", "long bun v2"]);
});

test("conformance: a quick selection has no slow scenario, and only essential ones on further runtimes", () => {
  assert.deepEqual(runsOf({ quick: true }), [
    ...["core node v1", "core node v2", "core bun v2", "once node v2", "plain node v2"],
  ]);
});

test(
  "conformance: without the Python packages the suite is skipped, unless they are required",
  async () => {
    const suite = (...args: string[]) =>
      run("node", ["--import", "tsx", "scripts/conformance.ts", "--only", "echo", ...args], {
        env: { WEAVE_WAL_PYTHON: "no-such-python" },
        limitMs: 60_000,
      });
    const [skipped, required, wrong] = await Promise.all([
      suite(),
      suite("--require"),
      suite("--runtime", "browser"),
    ]);
    assert.match(skipped.output, /^SKIPPED: npm run conformance: no Python 3\.11 or newer/m);
    assert.equal(skipped.status, 0, skipped.output);
    assert.equal(required.status, 1, required.output);
    assert.equal(wrong.status, 2, wrong.output);
  },
  { timeout: 90_000 },
);
