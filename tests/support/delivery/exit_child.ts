/**
 * A program that traces one call and has nothing else to do.
 *
 * @module
 */

import { init, op } from "../../../mod.ts";

await init("team/project", { printCallLink: false });
const answer = op(function answer() {
  return 42;
});
answer();
// Long enough for the sender to have begun.
await new Promise((resolve) => setTimeout(resolve, 500));
console.log("the program has ended");
