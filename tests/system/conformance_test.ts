import assert from "node:assert/strict";
import { messageOf, reportOf } from "../../scripts/conformance/report.ts";
import type { Findings, Scenario } from "../../scripts/conformance/scenario.ts";
import {
  executeAll,
  isFailed,
  type Outcome,
  planRuns,
  type Run,
} from "../../scripts/conformance/suite.ts";
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

test("conformance: one failed comparison makes the exit status 1, and is shown with its values", () => {
  const runs = planRuns(SCENARIOS, { only: ["core"], runtime: ["node", "bun"] });
  const findings: Findings = { sent: "3 calls", arrived: "3 calls", refused: ["404 no start"] };
  const passed = runs.map((run) => ({ ...run, findings, ms: 1 }));
  const { text, exitStatus } = reportOf(runs, passed);
  assert.equal(exitStatus, 0);
  assert.match(text, /404 no start/);
  assert.match(text, /^4 passed, 0 failed$/m);

  const errors = [
    () => assert.deepEqual({ count: 41 }, { count: 42 }),
    () => assert.equal(41, 42, "every call is there once"),
    () => assert.match("HTTP 41", /HTTP 42/, "the reason names the status"),
    () => assert.ok(false, "41 records wait, not 42"),
  ].map((compare) => {
    try {
      compare();
    } catch (error) {
      return error;
    }
  });
  for (const [index, error] of errors.entries()) {
    const outcomes = passed.map((outcome, n) =>
      n === index ? { ...runs[n], error, ms: 1 } : outcome
    );
    const report = reportOf(runs, outcomes);
    assert.equal(report.exitStatus, 1);
    assert.match(report.text, /^failed: core (node|bun) v[12]$/m);
    assert.match(report.text, /^3 passed, 1 failed$/m);
    assert.ok(isFailed(outcomes[index]));
    for (const value of [/41/, /42/]) assert.match(messageOf(error), value);
  }
  assert.ok(isFailed({ ...runs[0], ms: 1 }), "a run without findings has not passed");
});

test("conformance: tests skipped for lack of time are listed and do not count as failures", () => {
  const runs = planRuns(SCENARIOS, { only: ["core"], runtime: ["node"] });
  const findings: Findings = { sent: "", arrived: "" };
  const { text, exitStatus } = reportOf(runs, [{ ...runs[0], findings, ms: 1 }]);
  assert.equal(exitStatus, 0);
  assert.match(text, /^NOT RUN, the time ran out: core node v2$/m);
});

test("conformance: in CI the few that fail run again, and one that fails twice fails the suite", async () => {
  const runs = planRuns(SCENARIOS, { only: ["core"], runtime: ["node", "bun"] });
  const findings: Findings = { sent: "", arrived: "" };
  const suite = async (again: boolean, fails: (run: Run, nth: number) => boolean) => {
    const counts = new Map<string, number>();
    const seen: string[] = [];
    const name = ({ runtime, api }: Run) => `${runtime} ${api}`;
    const outcomes = await executeAll(runs, (run) => {
      const nth = (counts.get(name(run)) ?? 0) + 1;
      counts.set(name(run), nth);
      const outcome: Outcome = { ...run, ms: 1 };
      const result = fails(run, nth) ? { error: new Error("on purpose") } : { findings };
      return Promise.resolve({ ...outcome, ...result });
    }, { again, onOutcome: (outcome) => seen.push(name(outcome)) });
    return { seen, ...reportOf(runs, outcomes) };
  };
  const all = ["node v1", "node v2", "bun v1", "bun v2"];
  const isBun1 = ({ runtime, api }: Run) => runtime === "bun" && api === "v1";

  const once = await suite(true, (run, nth) => isBun1(run) && nth === 1);
  assert.deepEqual(once.seen, [...all, "bun v1"]);
  assert.equal(once.exitStatus, 0);
  assert.match(once.text, /^flaky, a defect to repair: core bun v1 /m);
  const twice = await suite(true, isBun1);
  assert.deepEqual(twice.seen, [...all, "bun v1"]);
  assert.equal(twice.exitStatus, 1);
  assert.match(twice.text, /^failed: core bun v1$/m);
  const elsewhere = await suite(false, (run, nth) => isBun1(run) && nth === 1);
  assert.deepEqual(elsewhere.seen, all);
  assert.equal(elsewhere.exitStatus, 1);
  const many = await suite(true, (_, nth) => nth === 1);
  assert.deepEqual(many.seen, all, "more than a few do not fail by chance");
  assert.equal(many.exitStatus, 1);
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
