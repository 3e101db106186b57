// Prints what a preload changed in the process before the first line of the program.
import Module from "node:module";
import process from "node:process";

const { fetch } = globalThis;
const loaded = Object.keys(Module._cache ?? {});
console.log(JSON.stringify({
  native: fetch.toString().length > 0 && !globalThis[Symbol.for("@weave-wal/client/register")],
  fetch: fetch.toString(),
  require: Module.prototype.require.toString(),
  sdk: loaded.filter((path) => /[\\/]weave[\\/]/.test(path)),
  listeners: ["beforeExit", "exit", "SIGTERM"].map((event) => process.listenerCount(event)),
}));
