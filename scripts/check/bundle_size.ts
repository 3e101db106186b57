/**
 * The size of the smallest useful import, `{ init, op }`, in a bundle.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { projectRoot } from "../test/process.ts";

/**
 * Maximum size of `{ init, op }` in bytes: minified, gzipped, without the parts that
 * `init` loads later.
 */
export const MAX_BUNDLE_BYTES = 38_000;

/** Sizes in bytes, minified and gzipped. */
export interface BundleSize {
  /** Code that a program loads at startup. */
  readonly initial: number;
  /** Code loaded by the first `init`. */
  readonly deferred: number;
}

/** Bundles `{ init, op }` with code splitting and measures it. */
export async function bundleSize(): Promise<BundleSize> {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: 'export { init, op } from "./mod.ts";',
      resolveDir: projectRoot,
      sourcefile: "bundle.ts",
    },
    absWorkingDir: projectRoot,
    outdir: "bundle",
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "node",
    write: false,
    metafile: true,
    logLevel: "error",
  });
  const initial = staticImports(metafile.outputs);
  const size = { initial: 0, deferred: 0 };
  for (const { path, contents } of outputFiles) {
    const isInitial = [...initial].some((output) => path.endsWith(output));
    size[isInitial ? "initial" : "deferred"] += gzipSync(contents).length;
  }
  return size;
}

/** The step of `npm run check`. */
export async function checkBundleSize(): Promise<string[]> {
  const { initial, deferred } = await bundleSize();
  if (initial <= MAX_BUNDLE_BYTES) return [];
  return [
    `{ init, op } bundles to ${initial} bytes gzipped, ${MAX_BUNDLE_BYTES} are allowed ` +
    `(and ${deferred} bytes that init loads): load what is rarely used when it is needed`,
  ];
}

/** The outputs that the entry imports statically, including itself. */
function staticImports(outputs: Metafile["outputs"]): Set<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: next, kind, external } of outputs[path].imports) {
      if (kind === "import-statement" && !external) visit(next);
    }
  };
  visit(Object.keys(outputs).find((path) => outputs[path].entryPoint === "bundle.ts")!);
  return found;
}
