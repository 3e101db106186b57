import assert from "node:assert/strict";
import { INTERRUPTED_SPAN } from "../../src/wal/open_calls/open_calls.ts";
import { startChild } from "../support/processes/child_fixture.ts";
import { KillGround } from "../support/kill/kill_fixture.ts";
import type { InterruptedSpanPlan } from "../support/otel/interrupted_span_child.ts";
import { test } from "../harness.ts";

const ROUNDS = 40;

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
      await ground.recover();
      const spans = ground.mock.store.spans("team/project");
      assert.equal(spans.length, ROUNDS + 2);
      const [outer, inner] = ["outer", "inner"].map((name) =>
        spans.find((span) => span.name === name)!
      );
      for (const span of [outer, inner]) {
        assert.deepEqual(span.status, { code: "error", message: INTERRUPTED_SPAN });
        assert.ok(BigInt(span.endTime) >= BigInt(span.startTime) / 1_000_000n * 1_000_000n);
        const apart = BigInt(span.endTime) - BigInt(outer.endTime);
        assert.ok(
          apart < 1_000_000n && apart > -1_000_000n,
          "the last sign of life of the process",
        );
      }
      assert.equal(inner.parentSpanId, outer.spanId);
      assert.equal(outer.attributes["gen_ai.prompt"], "why?");
      assert.equal(spans.filter(({ status }) => status.code === "error").length, 2);
      assert.deepEqual(
        ground.left().filter((path) => /\.(jsonl|open|started|closing|closed)$/.test(path)),
        [],
      );
    } finally {
      await ground.close();
    }
  }, { timeout: 120_000 });
}
