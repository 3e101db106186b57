import assert from "node:assert/strict";
import process from "node:process";
import { test } from "../harness.ts";
import { killSpans } from "../support/otel/span_kills.ts";

/**
 * Number of kills; set SPAN_KILLS for more. SPAN_KILL_AGE is the maximum lifetime of a
 * killed program, ms.
 */
const KILLS = Number(process.env.SPAN_KILLS ?? 6);
const AGE = Number(process.env.SPAN_KILL_AGE ?? 400);
const SEED = Number(process.env.SPAN_KILL_SEED ?? Date.now() % 1_000_000);
const ages = [AGE / 20, AGE] as const;
const limits = { timeout: 60_000 + KILLS * (AGE + 10_000) };

test("otel: SIGKILL at random moments loses no span whose end() had returned", async () => {
  const { ended, lost } = await killSpans({ processor: "wal", seed: SEED, kills: KILLS, ages });
  console.log(`${KILLS} kills from seed ${SEED}: ${lost.length} of ${ended} spans are lost`);
  assert.deepEqual(lost.slice(0, 3), [], `seed ${SEED}: ${lost.length} of ${ended} are lost`);
  assert.ok(ended > KILLS, `${ended} spans`);
}, limits);

test("otel: the same program with BatchSpanProcessor loses spans", async () => {
  const { ended, lost } = await killSpans({ processor: "batch", seed: SEED, kills: KILLS, ages });
  console.log(`${KILLS} kills from seed ${SEED}: ${lost.length} of ${ended} spans are lost`);
  assert.ok(lost.length > 0, `all of ${ended} spans arrived: this test proves nothing`);
}, limits);
