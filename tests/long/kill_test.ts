import assert from "node:assert/strict";
import { killRounds } from "../support/kill/kill_fixture.ts";
import { shortLives } from "../support/kill/short_lives.ts";
import type { ChildRuntime } from "../support/processes/child_fixture.ts";
import { test } from "../harness.ts";

const ROUNDS = 150;
const PROCESSES = 200;
const RUNTIMES: readonly ChildRuntime[] = ["deno", "bun", "node"];

test(`kill: ${ROUNDS} rounds with children on all runtimes lose no reported record`, async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`kill rounds from seed ${seed}`);
  const { reported } = await killRounds(ROUNDS, seed, 3, RUNTIMES.map((runtime) => ({ runtime })));
  assert.ok(reported > ROUNDS * 10, `the children wrote under load: ${reported} records`);
}, { timeout: 280_000 });

test(
  `kill: of ${PROCESSES} short-lived processes in one directory the server has exactly what they wrote`,
  async () => {
    const seed = Date.now() % 1_000_000;
    console.log(`short lives from seed ${seed}`);
    const { kills, reported } = await shortLives(
      PROCESSES,
      seed,
      6,
      RUNTIMES.map((runtime) => ({ runtime })),
    );
    assert.ok(kills === PROCESSES && reported > PROCESSES, "the children wrote under load");
  },
  { timeout: 280_000 },
);
