// A dozen calls, for which the SDK would wait without the log, and values that contain
// refs.
import * as weave from "weave";

const client = await weave.init("team/troubled", { printCallLink: false });
const use = weave.op(function use(row) {
  return row.n;
});
const dataset = new weave.Dataset({ name: "rows", rows: [{ n: 1 }, { n: 2 }] });
await dataset.save();
let count = 0;
for (; count < 12; count++) {
  await use(dataset.getRow(count % 2));
  await client.waitForBatchProcessing();
}
console.log(`through ${count}`);
