/**
 * A program that traces one call and then has nothing to do.
 *
 * @module
 */

import { init, op } from "../../../mod.ts";

await init("team/project", { printCallLink: false });
const answer = op(function answer() {
  return 42;
});
answer();
// Long enough for the sender to start.
await new Promise((resolve) => setTimeout(resolve, 500));
console.log("the program has ended");
