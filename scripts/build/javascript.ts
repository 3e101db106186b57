/**
 * Bundles the sources for npm: ESM, one shared copy of every module, `@std` inlined.
 *
 * @module
 */

import { builtinModules } from "node:module";
import { relative } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import { publicEntries } from "./entries.ts";
import { writeLicenses } from "./licenses.ts";
import { buildUiPage } from "./ui_page.ts";
import { projectRoot } from "../test/process.ts";

/** Packages that users install themselves: never inlined, never required. */
const external = [
  "weave",
  "@opentelemetry/otlp-transformer",
  "@nats-io/jetstream",
  "@nats-io/kv",
  "@nats-io/transport-node",
  "@nats-io/transport-node/lib/node_transport.js",
];
/** npm packages that the library may contain. The command may contain any. */
const inlined = ["deno-std"];
/** The entry of the command. */
const command = "./cli";
/** Programs that the command starts as separate processes, by their path. */
const programs = ["./tools/demo/program/main.ts"];

/** One built file. */
export interface BuiltFile {
  path: string;
  bytes: number;
}

/**
 * Builds into `out`, with the licenses of inlined packages. There are no source maps: the
 * files are not minified, and name their functions as the sources do.
 *
 * @throws If the library, as opposed to the command, would contain a package, or if an
 * import is neither built in nor inlined.
 */
export async function buildJavaScript(out: string): Promise<BuiltFile[]> {
  const { metafile } = await build({
    absWorkingDir: projectRoot,
    entryPoints: [...publicEntries().map(({ source }) => source), ...programs],
    outdir: out,
    outbase: ".",
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    charset: "utf8",
    external,
    legalComments: "inline",
    plugins: [requiredBuiltins],
    metafile: true,
    logLevel: "warning",
  });
  const problems = [...strayImports(metafile), ...strayPackages(metafile, out)];
  if (problems.length > 0) throw new Error(`Cannot publish this build:\n${problems.join("\n")}`);
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
  writeLicenses(out, [...inputs, ...(await buildUiPage()).inputs]);
  return Object.entries(metafile.outputs)
    .filter(([path]) => path.endsWith(".js"))
    .map(([path, { bytes }]) => ({ path: relative(out, `${projectRoot}/${path}`), bytes }));
}

/**
 * CommonJS packages `require` built-in modules, which an ES module cannot do by itself.
 * Every host of this package provides them by name.
 */
const requiredBuiltins: Plugin = {
  name: "required-builtins",
  setup({ onResolve, onLoad }) {
    const names = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    onResolve(
      { filter: /^[a-z]/ },
      ({ path, kind }) =>
        kind === "require-call" && names.has(path)
          ? { path: path.replace(/^(?:node:)?/, "node:"), namespace: "required-builtin" }
          : undefined,
    );
    onLoad({ filter: /.*/, namespace: "required-builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

function strayImports({ outputs }: Metafile): string[] {
  const stray = new Set<string>();
  for (const { imports } of Object.values(outputs)) {
    for (const { path, external: outside } of imports) {
      if (outside && !path.startsWith("node:") && !external.includes(path)) stray.add(path);
    }
  }
  return [...stray].map((path) => `import of ${path} is left`);
}

function strayPackages({ outputs }: Metafile, out: string): string[] {
  const problems = new Set<string>();
  for (const { subpath, javascript } of publicEntries()) {
    if (subpath === command) continue;
    const start = relative(projectRoot, javascript.replace("./dist", out));
    for (const path of reachable(outputs, start)) {
      for (const input of Object.keys(outputs[path].inputs)) {
        const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
        if (name && !inlined.includes(name)) problems.add(`${subpath} carries ${name}`);
      }
    }
  }
  return [...problems];
}

function reachable(outputs: Metafile["outputs"], start: string): Set<string> {
  const found = new Set<string>();
  const visit = (path: string) => {
    if (found.has(path) || !outputs[path]) return;
    found.add(path);
    for (const { path: next } of outputs[path].imports) visit(next);
  };
  visit(start);
  if (found.size === 0) throw new Error(`Cannot find the built file: ${start}`);
  return found;
}
