// Calls ops until it is killed, and prints a line after each call.
import process from "node:process";
import * as weave from "weave";

const limit = Number(process.argv[2] ?? Infinity);
await weave.init("team/counting", { printCallLink: false });
const inner = weave.op(function inner(i) {
  return { i, text: "x".repeat(100) };
});
const count = weave.op(async function count(i) {
  if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  return await inner(i);
});
console.log("ready");
for (let i = 0; i < limit; i++) {
  await count(i);
  console.log(`returned ${i}`);
}
// Otherwise an idle process waits for what the SDK still keeps open.
if (process.env.EXIT) process.exit(7);
