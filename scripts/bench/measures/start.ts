/**
 * Costs of the package before a program does anything: the time of its import and its size in a
 * bundle.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildJavaScript } from "../../build/javascript.ts";
import { bundleSize, MAX_BUNDLE_BYTES } from "../../check/bundle_size.ts";
import type { RuntimeName } from "../../test/runners.ts";
import { fixed, line, type Measure, type MeasureContext, type Result } from "../measure.ts";
import { median } from "../median.ts";

/** The measurement for `--only start`. */
export const start: Measure = {
  about: "import time against the official SDK, and the size of a bundle",
  measure,
};

async function measure(runtime: RuntimeName, context: MeasureContext): Promise<Result> {
  const { host, sizes, doing } = context;
  doing("building the package");
  const folder = host.newFolder();
  await buildJavaScript(folder);
  // As in the published package, whose files are ES modules.
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const own = pathToFileURL(join(folder, "mod.js")).href;
  const one = async (module: string): Promise<number> =>
    (await host.program(runtime, "import_time.ts", [module])).importMs;
  const times: { own: number; official: number }[] = [];
  for (let round = 0; round < 2 * sizes.tracedRounds; round++) {
    doing(`importing, round ${round + 1} of ${2 * sizes.tracedRounds}`);
    times.push({ own: await one(own), official: await one("weave") });
  }
  const ownMs = median(times.map(({ own }) => own));
  const officialMs = median(times.map(({ official }) => official));
  const ratio = median(times.map(({ own, official }) => own / official));
  const { initial, deferred } = await bundleSize();
  const seen = `import ${fixed(ownMs, 0)} ms, official ${fixed(officialMs, 0)} ms`;
  const bundle = `{ init, op }, gzipped; ${fixed(deferred / 1_000, 0)} kB more when init is called`;
  return {
    lines: [
      line("start", runtime, seen, ratio, "× official", { is: "at most", bound: 0.6 }),
      line("start", runtime, bundle, initial / 1_000, "kB", {
        is: "at most",
        bound: MAX_BUNDLE_BYTES / 1_000,
      }),
    ],
    numbers: { importMs: ownMs, officialImportMs: officialMs, ratio, bundleBytes: initial },
  };
}
