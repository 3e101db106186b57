/**
 * A program with few Deno permissions that traces two calls and prints the outcome.
 *
 * @module
 */

import process from "node:process";
import { init, op } from "../../../../mod.ts";

const options = JSON.parse(process.argv[2]);
const client = await init("team/granted", { printCallLink: false, ...options });
const answer = op(function answer(n: number) {
  return n;
});
answer(1);
answer(2);
const { done, delivered, pendingRecords, reason } = await client.flush({ timeout: 20_000 });
console.log(JSON.stringify({ done, delivered, pendingRecords, reason }));
