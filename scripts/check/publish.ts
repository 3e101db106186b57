/**
 * Checks the files that would be published to JSR.
 *
 * @module
 */

import { run } from "../test/process.ts";

/** Files that the package must contain besides the sources. */
const required = ["LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "deno.json", "mod.ts"];

/**
 * The instrumentation imports the SDKs installed by the program, whose paths are known
 * only at run time.
 */
const installedSdk =
  /^warning\[unanalyzable-dynamic-import\].*\n.*\/src\/instrument\/find_sdks\.ts:/m;

/** Problems of `deno publish`, one line each. */
export async function checkPublish(): Promise<string[]> {
  // The working tree may be dirty: this checks the package, not the state of the
  // checkout.
  const { status, ending, output } = await run("deno", ["publish", "--dry-run", "--allow-dirty"]);
  if (status !== 0) return [`deno publish: ${ending}`, output.trimEnd()];
  const problems = /^warning/mi.test(output.replace(installedSdk, "")) ? [output.trimEnd()] : [];
  const files = [...output.matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, path]) => path);
  const top = files.find((path) => path.endsWith("/mod.ts"))?.slice(0, -"mod.ts".length) ?? "/";
  const names = files.map((path) => path.slice(top.length));
  for (const name of names) {
    if (!/^(?:src|tools|docs)\//.test(name) && !required.includes(name)) {
      problems.push(`${name} would be published`);
    }
  }
  for (const name of required) {
    if (!names.includes(name)) problems.push(`${name} would not be published`);
  }
  return problems;
}
