/**
 * Kills programs that create spans, and counts the lost spans.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startChild } from "../processes/child_fixture.ts";
import { KillGround } from "../kill/kill_fixture.ts";
import { seeded } from "../kill/kill_records.ts";
import type { SpanPlan } from "./span_child.ts";

/** Number of spans whose `end()` had returned, and of those missing at the server. */
export interface SpanLoss {
  readonly ended: number;
  readonly lost: readonly string[];
}

/** Options of {@linkcode killSpans}. */
export interface SpanKillOptions {
  readonly processor: SpanPlan["processor"];
  /** Determines the times of the kills. */
  readonly seed: number;
  readonly kills: number;
  /** Minimum and maximum lifetime of a program after its first span, ms. */
  readonly ages: readonly [number, number];
}

/** Runs and kills programs one after the other, then delivers what is left in the log. */
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
