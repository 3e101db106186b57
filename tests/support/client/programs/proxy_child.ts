/**
 * A program behind a proxy that traces a call with a file and prints the outcome.
 *
 * @module
 */

import process from "node:process";
import { init, op, weaveImage } from "../../../../mod.ts";

if (process.env.UNDICI) {
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import(process.env.UNDICI);
  setGlobalDispatcher(new EnvHttpProxyAgent());
}
const client = await init("team/proxied", { printCallLink: false, wal: true });
const draw = op(function draw() {
  return weaveImage({ data: new Uint8Array([1, 2, 3]), imageType: "png" });
});
draw();
const { done } = await client.flush({ timeout: Number(process.env.FLUSH_MS ?? 20_000) });
await client.finish({ timeout: 1 });
console.log(JSON.stringify({ done }));
