// Says what a preload changed in the process before the program's own first line.
import { createRequire } from "node:module";
import process from "node:process";

const require = createRequire(import.meta.url);
const Module = require("node:module");
console.log(JSON.stringify({
  fetch: Function.prototype.toString.call(globalThis.fetch).includes("[native code]"),
  require: Module.prototype.require.toString().length,
  sdk: Object.keys(require.cache ?? {}).filter((path) => path.includes("weave")),
  handlers: ["beforeExit", "exit"].map((event) => process.listenerCount(event)),
}));
