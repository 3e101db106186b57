/**
 * A traced program that ends in the way given by its argument. Its server is unreachable.
 *
 * @module
 */

import process from "node:process";
import { init, type InitOptions, op } from "../../../../mod.ts";

const [way, traced] = (process.argv[2] ?? "").split(" ");

const options: InitOptions = {
  apiKey: "key",
  serverUrl: "http://127.0.0.1:9",
  logLevel: way === "writes" || way === "inits" ? "info" : "critical",
};
if (traced !== "plain") await init("team/project", options);

const fail = op(async function fail(): Promise<void> {
  await Promise.resolve();
  throw new Error("nobody handles this");
});
const pass = op(async function pass(): Promise<string> {
  await Promise.resolve();
  return "passed";
});

switch (way) {
  case "unhandled":
    void fail();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    console.log("went on");
    break;
  case "listener": {
    const promises: unknown[] = [];
    process.on("unhandledRejection", (error) => void promises.push((error as Error).message));
    void fail();
    const handled = fail();
    await handled.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    console.log(JSON.stringify(promises));
    process.exit(0);
    break;
  }
  case "writes":
    // Standard output belongs to this program; the readers of both streams may have
    // exited.
    for (let i = 0; i < 5; i++) {
      await pass();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    if (traced === "silent") process.exit(4);
    console.log("data");
    process.exit(4);
    break;
  case "inits":
    // Each warns about other options. Node reports a failed write to its console later.
    for (const differing of [{ lingerMs: 1 }, { batchRecords: 1 }, { batchBytes: 1e6 }]) {
      await init("team/project", { ...options, ...differing });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    process.exit(4);
    break;
  case "passes":
    console.log(await pass());
    process.exit(3);
}
