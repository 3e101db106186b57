/**
 * Real processes: spans interrupted by SIGKILL, and recoveries interrupted by SIGKILL.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { INTERRUPTED_SPAN } from "../../src/wal/open_calls/open_calls.ts";
import { startChild } from "../support/processes/child_fixture.ts";
import { KillGround } from "../support/kill/kill_fixture.ts";
import type { InterruptedSpanPlan } from "../support/otel/interrupted_span_child.ts";
import type { InterruptedPlan } from "../support/wal/programs/interrupted_child.ts";
import { test } from "../harness.ts";

const ROUNDS = 40;
const CLOSING = /^\d{17}999_\w+\.jsonl$/;

/** The closing segment in a project's directory; `null` if there is none. */
function closingIn(project: string): string | null {
  const name = readdirSync(project).find((name) => CLOSING.test(name));
  return name === undefined ? null : readFileSync(join(project, name), "utf8");
}

/**
 * Runs a recovery of a directory that is killed after it has written the ends of spans;
 * returns these ends.
 */
async function killedRecovery(ground: KillGround, walDir: string): Promise<string> {
  const project = join(walDir, "team", "project");
  const plan: InterruptedPlan = {
    serverUrl: ground.mock.url,
    walDir,
    does: "recovers",
    sender: true,
    rounds: 0,
  };
  const changed = watch(project);
  const child = startChild("support/wal/programs/interrupted_child.ts", JSON.stringify(plan));
  try {
    return await new Promise<string>((resolve) => {
      const look = (): void => {
        const text = closingIn(project);
        if (text !== null) resolve(text);
      };
      changed.on("change", look);
      look();
    });
  } finally {
    changed.close();
    child.kill("SIGKILL");
    await child.ended;
  }
}

for (const sender of [true, false]) {
  const who = sender ? "a process that sends" : "a process that only writes";
  test(`otel: spans interrupted by SIGKILL are ended once, ${who}`, async () => {
    const ground = await KillGround.open("new");
    try {
      const plan: InterruptedSpanPlan = {
        walDir: ground.walDir,
        serverUrl: ground.mock.url,
        sender,
        rounds: ROUNDS,
      };
      const child = startChild("support/otel/interrupted_span_child.ts", JSON.stringify(plan), {
        hasCommonJs: true,
      });
      await child.line("hanging");
      child.kill("SIGKILL");
      await child.ended;
      // Every process that recovers them writes the same ends.
      const copy = join(ground.directory, "copy");
      cpSync(ground.walDir, copy, { recursive: true });
      const outage = ground.mock.faults.add({ status: 503 });
      const ends = await killedRecovery(ground, ground.walDir);
      assert.equal(await killedRecovery(ground, copy), ends);
      assert.equal(ends.trim().split("\n").length, 2);
      outage.remove();
      await ground.recover();
      const spans = ground.mock.store.spans("team/project");
      assert.equal(spans.length, ROUNDS + 2);
      const [outer, inner] = ["outer", "inner"].map((name) =>
        spans.find((span) => span.name === name)!
      );
      const last = spans.find(({ name }) => name === `leaf${ROUNDS - 1}`)!;
      for (const span of [outer, inner]) {
        assert.deepEqual(span.status, { code: "error", message: INTERRUPTED_SPAN });
        assert.equal(span.endTime, outer.endTime, "the last sign of life of the process");
        assert.ok(BigInt(span.endTime) / 1_000n >= BigInt(last.endTime) / 1_000n);
      }
      assert.equal(inner.parentSpanId, outer.spanId);
      assert.equal(last.parentSpanId, inner.spanId);
      assert.equal(outer.attributes["gen_ai.prompt"], "why?");
      assert.equal(spans.filter(({ status }) => status.code === "error").length, 2);
      assert.deepEqual(
        ground.left().filter((path) => /\.(jsonl|open|started|closing|closed)$/.test(path)),
        [],
      );
    } finally {
      await ground.close();
    }
  }, { timeout: 180_000 });
}
