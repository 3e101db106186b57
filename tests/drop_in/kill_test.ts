/**
 * A program of the official SDK is killed at random times: with the log, no call is lost
 * whose op had returned; without it, the SDK's own queue is lost.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { test } from "../harness.ts";
import { SDK_VERSIONS, SdkProject } from "../support/drop_in/register_fixture.ts";

/** Number of rounds; set REGISTER_KILL_ROUNDS for more. */
const ROUNDS = Number(process.env.REGISTER_KILL_ROUNDS ?? 6);

/**
 * Runs the program and kills it at a time chosen by `random`; returns the progress that
 * it reported.
 */
async function killed(project: SdkProject, env: Record<string, string>, random: number) {
  const program = project.start("counting.mjs", { env });
  await program.printed(3 + Math.floor(random * 300));
  await new Promise((resolve) => setTimeout(resolve, random * 200));
  program.kill("SIGKILL");
  const { signal, lines, errors } = await program.ended;
  assert.equal(signal, "SIGKILL", errors);
  return lines.filter((line) => line.startsWith("returned ")).length;
}

/** Which of `count` returned ops have no finished call at the server. */
function lost({ store }: MockServer, count: number): number[] {
  const whole = (name: string) =>
    new Map(
      store.calls("team/counting")
        .filter(({ op_name, ended_at }) => op_name?.includes(`/op/${name}:`) && ended_at !== null)
        .map((call) => [(call.inputs as { arg0: number }).arg0, call]),
    );
  const outer = whole("count"), inner = whole("inner");
  return Array.from({ length: count }, (_, i) => i).filter((i) => {
    const parent = outer.get(i);
    return !parent || inner.get(i)?.parent_id !== parent.id;
  });
}

const SEED = Number(process.env.REGISTER_KILL_SEED ?? Date.now() % 1_000_000);

/** Numbers in [0, 1) determined by the seed. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

test(
  "register: a program killed at random moments loses no call whose op had returned",
  async () => {
    const random = numbers(SEED);
    const versions = Object.keys(SDK_VERSIONS);
    for (let round = 0; round < ROUNDS; round++) {
      const version = versions[round % versions.length];
      using project = new SdkProject(version, { exitDrainMs: 20_000 });
      await using mock = await startMockServer();
      const env = { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: mock.url };
      const count = await killed(project, env, random.next().value);
      assert.ok(count > 0, "nothing had returned");
      // The next program with the log sends the remaining records.
      const next = await project.run("plain.cjs", { env });
      assert.equal(next.code, 0, next.errors);
      assert.deepEqual(
        lost(mock, count),
        [],
        `seed ${SEED}, round ${round}, weave ${version}: of ${count}`,
      );
      assert.equal(mock.store.counts.conflicts, 0);
    }
  },
  { timeout: 30_000 + ROUNDS * 10_000 },
);

test("register: without the log, a killed program of the SDK loses calls", async () => {
  const random = numbers(SEED);
  let returned = 0, missing = 0;
  for (let round = 0; round < 3; round++) {
    using project = new SdkProject();
    await using mock = await startMockServer();
    const count = await killed(project, { WF_TRACE_SERVER_URL: mock.url }, random.next().value);
    returned += count;
    missing += lost(mock, count).length;
  }
  assert.ok(missing > 0, `all of ${returned} calls arrived: this test proves nothing of the other`);
}, { timeout: 60_000 });
