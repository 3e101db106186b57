/**
 * Kills programs that make spans, and counts the spans that never arrive.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startChild } from "../processes/child_fixture.ts";
import { KillGround } from "../kill/kill_fixture.ts";
import { seeded } from "../kill/kill_records.ts";
import type { SpanPlan } from "./span_child.ts";

/** Spans whose `end()` had returned, and those of them that the server never got. */
export interface SpanLoss {
  readonly ended: number;
  readonly lost: readonly string[];
}

/** Options of {@linkcode killSpans}. */
export interface SpanKillOptions {
  readonly processor: SpanPlan["processor"];
  /** The moments of the kills follow from it. */
  readonly seed: number;
  readonly kills: number;
  /** Shortest and longest life of a program after its first span, in ms. */
  readonly ages: readonly [number, number];
}

/** Runs and kills programs one after the other; then what they left in the log is delivered. */
export async function killSpans(options: SpanKillOptions): Promise<SpanLoss> {
  const { processor, seed, kills, ages: [youngest, oldest] } = options;
  const random = seeded(seed);
  const ground = await KillGround.open("new");
  try {
    for (let kill = 0; kill < kills; kill++) {
      const plan: SpanPlan = {
        processor,
        walDir: ground.walDir,
        serverUrl: ground.mock.url,
        report: ground.report,
        prefix: `child${kill}`,
        seed: Math.floor(random() * 2 ** 32),
        sender: random() < 0.7,
      };
      const child = startChild("support/otel/span_child.ts", JSON.stringify(plan), {
        hasCommonJs: true,
      });
      await child.line("started");
      await new Promise((resolve) =>
        setTimeout(resolve, youngest + random() * (oldest - youngest))
      );
      child.kill("SIGKILL");
      const { signal, errors } = await child.ended;
      assert.equal(signal, "SIGKILL", errors);
    }
    if (processor === "wal") await ground.recover();
    const arrived = new Set(ground.mock.store.spans("team/project").map(({ name }) => name));
    const ended = ground.reported();
    return { ended: ended.length, lost: ended.filter((name) => !arrived.has(name)) };
  } finally {
    await ground.close();
  }
}
