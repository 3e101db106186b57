/**
 * Callers that write calls, each over its own connection: measures requests per second
 * and their latency. Always runs on Node.
 *
 * @module
 */

import process from "node:process";
import undici from "undici";
import { createIds } from "../../../src/protocol/ids.ts";

const [url, connections, seconds] = process.argv.slice(2);
const pool = new undici.Pool(url, { connections: Number(connections), pipelining: 1 });
const ids = createIds({
  now: () => Date.now(),
  randomBytes: (into) => crypto.getRandomValues(into),
});

function body(): string {
  const id = ids.uuidv7();
  const at = ids.timestamp();
  const call = {
    project_id: "bench/relay",
    id,
    trace_id: id,
    op_name: "weave:///bench/relay/op/answer:v1",
    started_at: at,
    ended_at: at,
    attributes: {},
    inputs: { question: "x".repeat(400) },
    output: "y".repeat(400),
    summary: {},
  };
  return JSON.stringify({ batch: [call] });
}

const micros: number[] = [];
const end = performance.now() + Number(seconds) * 1_000;
const begun = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, async () => {
  while (performance.now() < end) {
    const from = performance.now();
    const { statusCode, body: reply } = await pool.request({
      method: "POST",
      path: "/v2/bench/relay/calls/complete",
      headers: { "content-type": "application/json" },
      body: body(),
    });
    await reply.dump();
    if (statusCode !== 200) throw new Error(`HTTP ${statusCode}`);
    micros.push((performance.now() - from) * 1_000);
  }
}));
const took = (performance.now() - begun) / 1_000;
micros.sort((a, b) => a - b);
console.log(JSON.stringify({
  perSecond: micros.length / took,
  medianMs: micros[Math.floor(micros.length * 0.5)] / 1_000,
  p99Ms: micros[Math.floor(micros.length * 0.99)] / 1_000,
}));
await pool.close();
