/**
 * Bundles test files for Node, which starts a single file several times faster than the
 * TypeScript modules of a test.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { build, type Plugin, transform } from "esbuild";
import { projectRoot } from "./process.ts";

/** Folders whose modules tests import. */
const FOLDERS = ["src", "tools", "tests", "scripts"];

/** Bundles test files into a folder that is removed when it is disposed. */
export class NodeBundles {
  /** Below `node_modules`, so that the bundles find the project's packages. */
  readonly #directory = join(projectRoot, "node_modules", `.weave-wal-tests-${process.pid}`);
  /** Folder for bundles of programs that are shared by test files, which create them. */
  readonly shared: string = mkdtempSync(join(tmpdir(), "weave-wal-bundles-"));
  readonly #plugin = keepUrls();
  #count = 0;

  /** Creates the folders. */
  constructor() {
    mkdirSync(this.#directory);
  }

  /** Bundles a test file, and returns the command and arguments that run it. */
  async testCommand(file: string): Promise<[string, string[]]> {
    const bundle = await this.#bundle(file);
    return ["node", ["--enable-source-maps", bundle]];
  }

  async #bundle(file: string): Promise<string> {
    const outfile = join(this.#directory, `${this.#count++}.mjs`);
    await build({
      absWorkingDir: projectRoot,
      entryPoints: [file],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      keepNames: true,
      charset: "utf8",
      sourcemap: "linked",
      sourcesContent: false,
      plugins: [this.#plugin],
      logLevel: "silent",
    });
    return outfile;
  }

  [Symbol.dispose](): void {
    for (const path of [this.#directory, this.shared]) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Makes each module's `import.meta.url` the URL of its source, as without a bundle. */
function keepUrls(): Plugin {
  const modules = FOLDERS.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(projectRoot, folder, name))
  );
  const paths = modules.filter((path) => readFileSync(path, "utf8").includes("import.meta.url"));
  const escaped = paths.map((path) => path.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return {
    name: "keep URLs",
    setup({ onLoad }) {
      if (paths.length === 0) return;
      onLoad({ filter: new RegExp(`^(?:${escaped.join("|")})$`) }, async ({ path }) => {
        const { code } = await transform(readFileSync(path, "utf8"), {
          loader: "ts",
          target: "node20",
          keepNames: true,
          define: { "import.meta.url": JSON.stringify(pathToFileURL(path).href) },
          sourcemap: "inline",
          sourcefile: path,
          sourcesContent: false,
        });
        return { contents: code, loader: "js" };
      });
    },
  };
}
