// Values that permanently stop the SDK's own queue.
import * as weave from "weave";

const client = await weave.init("team/odd", { printCallLink: false });
const give = weave.op(function give(value) {
  return typeof value === "string" ? value.length : value;
});
await give(12345678901234567890n);
await give("x".repeat(11 * 1024 * 1024));
const around = { name: "around" };
around.self = around;
if (weave.withAttributes) await weave.withAttributes({ around }, () => give("attributed"));
const [, call] = await give.invoke("last");
await call.setDisplayName("renamed at last");
await client.waitForBatchProcessing();
console.log("through");
