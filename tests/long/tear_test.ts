import { test } from "../harness.ts";
import { corruptEach, CORRUPTIONS, LOG } from "../support/wal/tear/tear_cases.ts";

for (
  const [path, useCallsComplete] of [["upsert_batch", false], ["calls/complete", true]] as const
) {
  for (const corruption of CORRUPTIONS) {
    test(`tear: each byte ${corruption[0]} affects no other line over ${path}`, async () => {
      await corruptEach(LOG, corruption, useCallsComplete);
    }, { timeout: 120_000 });
  }
}
