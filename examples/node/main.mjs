// @ts-check
/**
 * A pool of worker threads. Each worker has a client and a log file of its own in one directory, so
 * no worker waits for another one. The main thread hands out tasks.
 *
 *     node main.mjs
 */

import { once } from "node:events";
import { Worker } from "node:worker_threads";

const tasks = Array.from({ length: 12 }, (_, index) => `task ${index}`);

const workers = Array.from({ length: 3 }, () => new Worker(new URL("worker.mjs", import.meta.url)));

await Promise.all(workers.map(async (worker) => {
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    worker.postMessage(task);
    const [result] = await once(worker, "message");
    console.log(result);
  }
  worker.postMessage(null);
  await once(worker, "exit");
}));
