/**
 * A program that prints the metrics of its client, in both formats.
 *
 * @module
 */

import { init, op } from "../../../mod.ts";

const client = await init("acme/chat");
const double = op(function double(x: number) {
  return 2 * x;
});
double(21);
await client.flush();
console.log((await client.metrics()) + (await client.metrics("prometheus")));
await client.finish();
