/**
 * Runs a tool whose exit status is its verdict.
 *
 * @module
 */

import { run, type RunOptions } from "../test/process.ts";

/** Lines that say what a tool did, or what it could not see in other packages' types. */
const noise = /^(?:Check \S+\n|Warning Failed resolving types\..*\n +at .*\n)/gm;

/** What is wrong: nothing, or how the tool ended and what it said. */
export async function tool(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string[]> {
  const { status, ending, output } = await run(command, args, options);
  if (status === 0) return [];
  return [`${command} ${args[0]}: ${ending}`, output.replace(noise, "").trimEnd()];
}
