// Makes its client durable in code, with the exports of the bundle at DURABLE.
import process from "node:process";
import * as weave from "weave";

const { durable, finish, flush } = await import(process.env.DURABLE);
const raw = await weave.init("team/explicit", { printCallLink: false });
const double = weave.op(function double(n) {
  return n * 2;
});
if (process.env.EARLY) await double(1);
const client = durable(raw);
console.log(client === raw, durable(client) === raw);
console.log(await double(21));
const ref = await new weave.Dataset({ name: "rows", rows: [{ n: 1 }] }).save();
await client.waitForBatchProcessing();
const { done, pendingRecords } = await flush({ timeout: Number(process.env.FLUSH_MS ?? 20_000) });
console.log(done, pendingRecords > 0);
if (done) console.log((await ref.get()).rows.rows.length);
await finish({ timeout: Number(process.env.FLUSH_MS ?? 20_000) });
await double(22);
process.exit(0);
