/**
 * Runs tools that report problems by their exit status.
 *
 * @module
 */

import { run, type RunOptions } from "../test/process.ts";

/** Progress messages, and warnings about types of other packages. */
const noise = /^(?:Check \S+\n|Warning Failed resolving types\..*\n +at .*\n)/gm;

/** Returns problems: none, or the exit status and the output of the tool. */
export async function tool(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string[]> {
  const { status, ending, output } = await run(command, args, options);
  if (status === 0) return [];
  return [`${command} ${args[0]}: ${ending}`, output.replace(noise, "").trimEnd()];
}
