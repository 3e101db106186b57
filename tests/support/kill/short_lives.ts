/**
 * Many processes with short lives in one directory: each is killed a few hundred
 * milliseconds after its start. Afterwards the server has exactly what they reported.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildOptions, ownRuntime, startChild } from "../processes/child_fixture.ts";
import { KillGround, type KillResult } from "./kill_fixture.ts";
import { seeded } from "./kill_records.ts";

/** Minimum and maximum ms from the first record of a process to its kill. */
const LIVES_MS = [50, 400] as const;

/** Result of {@linkcode shortLives}. */
export interface ShortLives extends KillResult {
  /** Number of records on the server. */
  readonly stored: number;
  /** Number of records that a process wrote and was killed before it reported them. */
  readonly unreported: number;
}

/** Runs the processes, `atOnce` at a time; sends what they left; and counts the records. */
export async function shortLives(
  processes: number,
  seed: number,
  atOnce: number,
  runtimes: readonly ChildOptions[] = [{ runtime: ownRuntime }],
): Promise<ShortLives> {
  const random = seeded(seed);
  const ground = await KillGround.open("old", false);
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started < processes) {
      const child = runtimes[started++ % runtimes.length];
      const plan = ground.plan({ seed: Math.floor(random() * 2 ** 32), size: 20_000 });
      const [least, most] = LIVES_MS;
      await liveAndDie(JSON.stringify(plan), child, least + random() * (most - least));
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, worker));
    await ground.recover();
    const result = ground.compare(processes);
    const stored = ground.stored();
    const unreported = stored - result.reported;
    assert.ok(
      unreported >= 0 && unreported <= processes,
      `${stored} records on the server, of ${result.reported} reported ones`,
    );
    return { ...result, stored, unreported };
  } finally {
    await ground.close();
  }
}

async function liveAndDie(plan: string, options: ChildOptions, ms: number): Promise<void> {
  const child = startChild("support/kill/kill_child.ts", plan, options);
  await Promise.race([child.line("started"), child.ended]);
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill("SIGKILL");
  const { signal, errors } = await child.ended;
  assert.equal(signal, "SIGKILL", errors);
}
