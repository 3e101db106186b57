/**
 * A program that makes 100 calls, traced or not, and exits. Prints one line of JSON: the
 * time of its last statement.
 *
 * Usage: `ending.ts traced|plain`; the server, the key and the log come from the
 * environment.
 *
 * @module
 */

import process from "node:process";

const CALLS = 100;
let answer = (question: string): { answer: string } => ({ answer: question });
if (process.argv[2] === "traced") {
  const weave = await import("../../../mod.ts");
  await weave.init("bench/bench");
  answer = weave.op(answer, { name: "answer" });
}
for (let i = 0; i < CALLS; i++) answer(`What is written before it is sent? (${i})`);
console.log(JSON.stringify({ endedAt: Date.now() }));
