import assert from "node:assert/strict";
import { test } from "../../harness.ts";
import { corruptEach, CORRUPTIONS, LINES, LOG } from "../../support/wal/tear/tear_cases.ts";
import { judge } from "../../support/wal/tear/tear_fixture.ts";

const PATHS: [string, boolean][] = [["upsert_batch", false], ["calls/complete", true]];

for (const [path, useCallsComplete] of PATHS) {
  test(`tear: a valid log arrives completely over ${path}`, async () => {
    const { delivered, deadLetters } = await judge(LOG, useCallsComplete);
    assert.deepEqual({ delivered, deadLetters }, { delivered: 4, deadLetters: [] });
  });

  test(`tear: a log truncated at any byte keeps every complete line over ${path}`, async () => {
    for (let length = 0; length < LOG.length; length++) {
      const cut = LOG.subarray(0, length);
      const { delivered, deadLetters } = await judge(cut, useCallsComplete);
      const text = new TextDecoder().decode(cut);
      const whole = text.split("\n").filter((line) => LINES.includes(line)).length;
      assert.equal(delivered, whole, `cut at ${length}`);
      const isTorn = !text.endsWith("\n") && text !== "" &&
        !LINES.includes(text.split("\n").at(-1)!);
      assert.deepEqual(deadLetters.map(({ error }) => error.reason), isTorn ? ["torn"] : []);
    }
  });

  // The other corruptions, for a sample of the bytes: `tests/long/tear_test.ts` covers
  // all of them.
  for (const [index, corruption] of CORRUPTIONS.entries()) {
    const [name] = corruption;
    const title = index === 0 ? `every byte ${name}` : `every third byte ${name}`;
    test(`tear: ${title} affects no other line over ${path}`, async () => {
      await corruptEach(LOG, corruption, useCallsComplete, index === 0 ? 1 : 3, index % 3);
    }, { timeout: 60_000 });
  }
}
