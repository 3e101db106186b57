import assert from "node:assert/strict";
import { test } from "../harness.ts";
import {
  type ChildOptions,
  type ChildRuntime,
  ownRuntime,
  startChild,
} from "../support/processes/child_fixture.ts";
import type { KillPlan } from "../support/kill/kill_child.ts";
import { KillGround, killRounds } from "../support/kill/kill_fixture.ts";
import { shortLives } from "../support/kill/short_lives.ts";

/** `tests/long/kill_test.ts` runs more. */
const ROUNDS = 20;

test("kill: SIGKILL under load loses no acknowledged record", async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`${ROUNDS} kill rounds from seed ${seed}`);
  const { reported, kills, torn, repeated } = await killRounds(ROUNDS, seed, 3);
  console.log(`${kills} kills, ${reported} records reported, ${torn} torn, ${repeated} sent again`);
  assert.ok(reported > ROUNDS, "the children wrote under load");
}, { timeout: 280_000 });

test(
  "kill: of short-lived processes in one directory the server has exactly what they wrote",
  async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`short lives from seed ${seed}`);
    const { kills, reported } = await shortLives(24, seed, 3);
    assert.ok(kills === 24 && reported > 24, "the children wrote under load");
  },
  { timeout: 120_000 },
);

const OUT_OF_MEMORY: Partial<Record<ChildRuntime, readonly string[]>> = {
  node: ["--max-old-space-size=24"],
  deno: ["--v8-flags=--max-old-space-size=24"],
};

/**
 * Ends a child as specified by `plan`, recovers, and compares the server's data with its
 * report.
 */
async function endAndRecover(
  plan: Partial<KillPlan>,
  isEnd: (end: { code: number | null; signal: string | null }) => boolean,
  child: ChildOptions = {},
): Promise<void> {
  for (const way of ["records", "ops"] as const) {
    const ground = await KillGround.open("new");
    try {
      const full = ground.plan({ calls: 300, size: 2_000, way, ...plan });
      const { code, signal, errors } = await startChild(
        "support/kill/kill_child.ts",
        JSON.stringify(full),
        child,
      ).ended;
      assert.ok(isEnd({ code, signal }), `ended with ${code ?? signal}\n${errors}`);
      await ground.recover();
      assert.ok(ground.compare(0).reported >= 600);
    } finally {
      await ground.close();
    }
  }
}

test("kill: process.exit() in the middle loses nothing", async () => {
  await endAndRecover({ end: "exit" }, ({ code }) => code === 3);
});

test("kill: an uncaught exception loses nothing", async () => {
  await endAndRecover({ end: "throw" }, ({ code }) => code === 1);
});

test("kill: an unhandled rejection loses nothing", async () => {
  await endAndRecover({ end: "reject" }, ({ code }) => code === 1);
});

test("kill: a normal exit with the sender off loses nothing", async () => {
  await endAndRecover({ end: "natural", options: { sender: false } }, ({ code }) => code === 0);
});

test("kill: a normal exit leaves nothing to recover", async () => {
  const ground = await KillGround.open("new");
  try {
    const plan = ground.plan({ calls: 300, size: 2_000, end: "natural" });
    const { code, errors } = await startChild("support/kill/kill_child.ts", JSON.stringify(plan))
      .ended;
    assert.equal(code, 0, errors);
    const { reported, repeated } = ground.compare(0);
    assert.ok(reported >= 600);
    assert.equal(repeated, 0, "nothing had to be sent twice");
  } finally {
    await ground.close();
  }
});

test("kill: SIGTERM without a handler loses nothing", async () => {
  const ground = await KillGround.open("new");
  try {
    const child = startChild(
      "support/kill/kill_child.ts",
      JSON.stringify(ground.plan({ size: 2_000 })),
    );
    await ground.mock.waitFor((store) => store.callCount() > 0);
    child.kill("SIGTERM");
    assert.equal((await child.ended).signal, "SIGTERM");
    await ground.recover();
    assert.ok(ground.compare(1).reported > 0);
  } finally {
    await ground.close();
  }
});

test("kill: running out of memory loses nothing", async () => {
  const runtimeArgs = OUT_OF_MEMORY[ownRuntime];
  // Bun has no heap limit of its own: the kernel's limit for data ends it in the same
  // way.
  const under = runtimeArgs ? [] : ["sh", "-c", 'ulimit -d 400000; exec "$0" "$@"'];
  await endAndRecover(
    { end: "oom", calls: 300 },
    ({ code, signal }) => signal !== null || (code !== 0 && code !== null),
    { runtimeArgs, under },
  );
}, { timeout: 120_000 });
