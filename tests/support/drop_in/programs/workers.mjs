// Traces in the main thread and in a worker, both of which load the register step first.
import process from "node:process";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

if (process.env.REGISTER) await import(process.env.REGISTER);
const { init, op } = await import("weave");
await init("team/workers", { printCallLink: false });
if (isMainThread) {
  const inMain = op(function inMain(n) {
    return n + 1;
  });
  await inMain(1);
  const worker = new Worker(new URL(import.meta.url));
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  const sum = await new Promise((resolve) => worker.once("message", resolve));
  console.log(`${await inMain(sum)} ${await ended}`);
} else {
  const inWorker = op(function inWorker(n) {
    return n * 2;
  });
  parentPort.postMessage(await inWorker(3));
}
