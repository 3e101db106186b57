// @ts-check
/**
 * A program that only writes its log. It needs no API key and no network: `weave-wal flush --follow`
 * delivers for it. See compose.yaml.
 *
 *     WEAVE_ENABLE_WAL=true WEAVE_DISABLE_WAL_SENDER=true WEAVE_WAL_DIR=/var/lib/weave node writer.mjs
 */

import { init, op } from "@weave-wal/client";

const client = await init("team/examples");

const work = op(function work(/** @type {number} */ item) {
  return item * item;
});

for (let item = 0; item < 5; item++) console.log(work(item));

// Without a sender, flush() fsyncs the log and reports what another process has to deliver.
const { pendingRecords, reason } = await client.flush();
console.log(`${pendingRecords} records for the sidecar (${reason})`);
await client.finish();
