// @ts-check
import { parentPort } from "node:worker_threads";
import { init, op } from "@weave-wal/client";

const client = await init("team/examples", { wal: true });

const solve = op(function solve(/** @type {string} */ task) {
  return `${task} solved`;
});

parentPort?.on("message", async (/** @type {string | null} */ task) => {
  if (task !== null) {
    parentPort?.postMessage(solve(task));
    return;
  }
  // A worker that is terminated loses nothing either: the next process delivers its log.
  await client.finish({ timeout: 5000 });
  parentPort?.close();
});
