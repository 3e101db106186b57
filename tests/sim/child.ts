/**
 * Runs the simulation in a process of its own: promises of killed processes are rejected
 * without a handler, which test runners report as failures.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { bundled } from "../support/bundle.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A runtime on which the simulation runs. */
export type SimRuntime = "deno" | "bun" | "node";

/** The runtime of this process. */
export const ownRuntime = detectRuntime().name as SimRuntime;

/** Result of a run. */
export interface SimRun {
  readonly code: number | null;
  readonly output: string;
}

/** Runs `scripts/sim.ts` with these arguments. */
export function sim(args: readonly string[], runtime: SimRuntime = ownRuntime): Promise<SimRun> {
  const own = runtime === ownRuntime ? process.execPath : join(root, "node_modules/.bin", runtime);
  const command = runtime === "node" && runtime !== ownRuntime ? "node" : own;
  const script = runtime === "node"
    ? bundled("scripts/sim.ts", true)
    : join(root, "scripts/sim.ts");
  const before = runtime === "deno" ? ["run", "-A", "--no-check"] : [];
  const child = spawn(command, [...before, script, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => output += text);
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
