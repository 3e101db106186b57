import assert from "node:assert/strict";
import { QuotaForecast } from "../../../src/wal/quota/quota_forecast.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";
import { test } from "../../harness.ts";

function scene() {
  const clock = new MemoryClock();
  const quota = { used: 0, maxBytes: 100_000 };
  const forecast = new QuotaForecast(clock, quota);
  const grow = (seconds: number, bytesPerSecond: number): void => {
    for (let second = 0; second < seconds; second++) {
      forecast.look();
      clock.advance(1_000);
      quota.used += bytesPerSecond;
    }
  };
  const secondsLeft = (): number | null =>
    forecast.fullAt === null ? null : Math.round((forecast.fullAt - clock.now()) / 1_000);
  return { clock, quota, grow, secondsLeft };
}

test("quota forecast: the growth of the last minutes determines when a quota is full", () => {
  const { grow, secondsLeft } = scene();
  grow(5, 100);
  assert.equal(secondsLeft(), null, "too short a time");
  grow(15, 100);
  assert.equal(secondsLeft(), 980);
  grow(400, 10);
  assert.ok(Math.abs(secondsLeft()! - (100_000 - 6_000) / 10) < 300, `${secondsLeft()}`);
});

test("quota forecast: there is no forecast without growth, and a full quota is full now", () => {
  const { quota, grow, secondsLeft } = scene();
  grow(60, 0);
  assert.equal(secondsLeft(), null);
  quota.used = 50_000;
  grow(400, -10);
  assert.equal(secondsLeft(), null);
  quota.used = 100_000;
  assert.equal(secondsLeft(), 0);
});
