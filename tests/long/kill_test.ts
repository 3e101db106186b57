import assert from "node:assert/strict";
import { killRounds } from "../support/kill/kill_fixture.ts";
import type { ChildRuntime } from "../support/processes/child_fixture.ts";
import { test } from "../harness.ts";

const ROUNDS = 150;
const RUNTIMES: readonly ChildRuntime[] = ["deno", "bun", "node"];

test(`kill: ${ROUNDS} rounds with children on all runtimes lose no reported record`, async () => {
  const seed = Date.now() % 1_000_000;
  console.log(`kill rounds from seed ${seed}`);
  const { reported } = await killRounds(ROUNDS, seed, 3, RUNTIMES.map((runtime) => ({ runtime })));
  assert.ok(reported > ROUNDS * 10, `the children wrote under load: ${reported} records`);
}, { timeout: 280_000 });
