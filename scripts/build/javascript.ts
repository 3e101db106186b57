/**
 * Bundles the sources for npm: ESM, one shared copy of every module, `@std` inlined.
 *
 * @module
 */

import { join, relative } from "node:path";
import { type OutputChunk, type Plugin, type PluginContext, rolldown } from "rolldown";
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
/**
 * Files that hold all that one module loads, so that a program opens few files: an import of the
 * package, and what its first `init` adds. Each takes what the ones before it left.
 */
const WHOLE_FILES = [
  { name: "library", module: "mod.ts" },
  { name: "log", module: "src/client/host_client.ts" },
];
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
  const sources = [...publicEntries().map(({ source }) => source), ...programs];
  const whole = wholeFiles();
  const bundle = await rolldown({
    cwd: projectRoot,
    input: Object.fromEntries(
      sources.map((source) => [source.replace(/^\.\/|\.ts$/g, ""), source]),
    ),
    platform: "node",
    transform: { target: "es2022" },
    tsconfig: "tsconfig.json",
    external: [...external, /^node:/],
    plugins: [whole.plugin],
    onLog: (level, log) => {
      if (level === "warn") throw new Error(log.message);
    },
  });
  const { output } = await bundle.write({
    dir: out,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    comments: { annotation: true, jsdoc: false, legal: true },
    codeSplitting: { groups: whole.groups },
  });
  await bundle.close();
  const chunks = output.filter((file) => file.type === "chunk");
  const problems = [...strayImports(chunks), ...strayPackages(chunks)];
  if (problems.length > 0) throw new Error(`Cannot publish this build:\n${problems.join("\n")}`);
  const inputs = chunks.flatMap(({ moduleIds }) => moduleIds)
    .map((path) => relative(projectRoot, path));
  writeLicenses(out, [...inputs, ...(await buildUiPage()).inputs]);
  return chunks.map(({ fileName, code }) => ({
    path: fileName,
    bytes: new TextEncoder().encode(code).length,
  }));
}

/** A plugin that finds the modules of {@linkcode WHOLE_FILES}, and the groups that it fills. */
function wholeFiles(): { plugin: Plugin; groups: { name: string; test(id: string): boolean }[] } {
  const files = WHOLE_FILES.map(({ name, module }) => ({
    name,
    module: join(projectRoot, module),
    ids: new Set<string>(),
  }));
  return {
    plugin: {
      name: "whole-files",
      buildEnd() {
        for (const { module, ids } of files) collectImports(this, module, ids);
      },
    },
    groups: files.map(({ name, ids }) => ({ name, test: (id) => ids.has(id) })),
  };
}

function collectImports(context: PluginContext, id: string, found: Set<string>): void {
  const module = context.getModuleInfo(id);
  if (module === null || found.has(id)) return;
  found.add(id);
  for (const next of module.importedIds) collectImports(context, next, found);
}

function strayImports(chunks: readonly OutputChunk[]): string[] {
  const files = new Set(chunks.map(({ fileName }) => fileName));
  const imports = chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]);
  return [...new Set(imports)]
    .filter((path) => !files.has(path) && !path.startsWith("node:") && !external.includes(path))
    .map((path) => `import of ${path} is left`);
}

function strayPackages(chunks: readonly OutputChunk[]): string[] {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const problems = new Set<string>();
  for (const { subpath, javascript } of publicEntries()) {
    if (subpath === command) continue;
    for (const { moduleIds } of reachable(byName, javascript.replace("./dist/", ""))) {
      for (const input of moduleIds) {
        const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
        if (name && !inlined.includes(name)) problems.add(`${subpath} carries ${name}`);
      }
    }
  }
  return [...problems];
}

function reachable(chunks: ReadonlyMap<string, OutputChunk>, start: string): Set<OutputChunk> {
  const found = new Set<OutputChunk>();
  const visit = (name: string): void => {
    const chunk = chunks.get(name);
    if (chunk === undefined || found.has(chunk)) return;
    found.add(chunk);
    for (const next of [...chunk.imports, ...chunk.dynamicImports]) visit(next);
  };
  visit(start);
  if (found.size === 0) throw new Error(`Cannot find the built file: ${start}`);
  return found;
}
