/**
 * Prometheus's promtool, if it is installed (Debian's package `prometheus` contains it).
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";

const isThere = spawnSync("promtool", ["--version"], { stdio: "ignore" }).status === 0;

/** Why tests that need promtool are skipped; `false` if they can run. */
export const noPromtool: string | false = isThere
  ? false
  : "promtool is not installed (Debian: apt-get install prometheus)";

/** Runs promtool; fails with its output if it finds a problem. */
export function promtool(
  args: readonly string[],
  options: { input?: string; cwd?: string } = {},
): string {
  const { status, stdout, stderr } = spawnSync("promtool", [...args], {
    encoding: "utf8",
    ...options,
  });
  assert.equal(status, 0, `promtool ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout + stderr;
}
