import assert from "node:assert/strict";
import { chanceOf, Evidence, Suspicion } from "../../../src/delivery/http/evidence.ts";
import { test } from "../../harness.ts";
import { seeded } from "../../support/kill/kill_records.ts";
import { MemoryClock } from "../../support/simulated_runtime/memory_clock.ts";

test("evidence: the probability of coincidence falls with successes and rises with failures", () => {
  assert.equal(chanceOf(0, 5, 0), 1);
  assert.equal(chanceOf(1, 0, 0), 1 / 2, "nothing is known of the server");
  assert.ok(
    Math.abs(chanceOf(3, 3, 0) - 1 / 35) < 1e-12,
    "one of the ways to order seven outcomes",
  );
  for (let n = 1; n < 30; n++) {
    assert.ok(chanceOf(n + 1, 5, 2) < chanceOf(n, 5, 2));
    assert.ok(chanceOf(5, n + 1, 2) < chanceOf(5, n, 2));
    assert.ok(chanceOf(5, 5, n + 1) > chanceOf(5, 5, n));
  }
});

/**
 * Number of attempts after which a record counts as permanently failing; `null` if 1,000
 * do not suffice.
 */
function attemptsToProve(
  options: {
    writes?: number;
    others?: number;
    asksToWait?: boolean | ((attempt: number) => boolean);
    checks?: boolean[];
  },
): number | null {
  const { writes = 0, others = 0, asksToWait = false, checks = [true] } = options;
  const clock = new MemoryClock();
  const evidence = new Evidence(clock);
  for (let i = 0; i < others; i++) new Suspicion(evidence, evidence.mark()).failed(false);
  const suspicion = new Suspicion(evidence, evidence.mark());
  for (let i = 0; i < writes; i++) evidence.wrote();
  for (let attempt = 1; attempt <= 1_000; attempt++) {
    for (const isWell of checks) evidence.checked(isWell);
    suspicion.failed(typeof asksToWait === "boolean" ? asksToWait : asksToWait(attempt));
    if (suspicion.isProven()) return attempt;
    clock.advance(1_500);
  }
  return null;
}

test("evidence: a record that fails while others succeed is soon proven to be at fault", () => {
  assert.ok(attemptsToProve({})! <= 10, "health checks only");
  assert.ok(attemptsToProve({ writes: 20 })! <= 6);
  assert.ok(attemptsToProve({ writes: 20, asksToWait: true })! <= 6);
  assert.ok(attemptsToProve({ others: 5 })! <= 30, "six poison records at once");
  assert.ok(attemptsToProve({ others: 8, writes: 20 })! <= 20);
});

test("evidence: an outage proves nothing", () => {
  assert.equal(attemptsToProve({ asksToWait: true }), null, "503 while nothing else is written");
  assert.equal(attemptsToProve({ checks: [false] }), null, "health checks fail");
  assert.equal(attemptsToProve({ checks: [true, false] }), null, "the storage fails");
  assert.equal(attemptsToProve({ others: 300 }), null, "every write fails");
});

test("evidence: timeouts among responses that the server accepted the request prove nothing", () => {
  const everyFifth = (attempt: number) => attempt % 5 !== 0;
  const threeOfFour = (attempt: number) => attempt % 4 === 0;
  for (const asksToWait of [everyFifth, threeOfFour]) {
    assert.equal(attemptsToProve({ asksToWait }), null);
    assert.ok(attemptsToProve({ asksToWait, writes: 20 })! <= 6, "other writes succeed");
  }
  assert.ok(
    attemptsToProve({ asksToWait: (attempt) => attempt === 1 })! <= 11,
    "the record fails by itself after an outage",
  );
});

test("evidence: with a randomly failing server, hardly any record is found at fault", () => {
  const random = seeded(11);
  let proven = 0, records = 0;
  for (let run = 0; run < 4_000; run++) {
    const rate = 0.1 + 0.8 * random();
    const clock = new MemoryClock();
    const evidence = new Evidence(clock);
    let isOpen = true;
    const suspicion = new Suspicion(evidence, evidence.mark());
    records++;
    for (let attempt = 0; attempt < 200 && isOpen; attempt++) {
      evidence.checked(random() >= rate);
      if (random() >= rate) evidence.wrote();
      else {
        const other = new Suspicion(evidence, evidence.mark());
        other.failed(false);
        other.close(true);
      }
      if (random() >= rate) {
        isOpen = false;
        suspicion.close(true);
        break;
      }
      suspicion.failed(false);
      clock.advance(1_500);
      if (suspicion.isProven()) {
        proven++;
        break;
      }
    }
  }
  assert.ok(proven <= records / 500, `${proven} of ${records}`);
});

test("evidence: recent failures caused by the server count in a record's favor", () => {
  const provenAfter = (recovered: number) => {
    const clock = new MemoryClock();
    const evidence = new Evidence(clock);
    evidence.recovered(recovered);
    const suspicion = new Suspicion(evidence, evidence.mark());
    for (let i = 0; i < 20; i++) evidence.wrote();
    for (let i = 0; i < 5; i++) {
      suspicion.failed(true);
      clock.advance(1_500);
    }
    return suspicion.isProven();
  };
  assert.equal(provenAfter(0), true);
  assert.equal(provenAfter(20), false);
});
