/**
 * The layers of the sources: allowed imports, and the files that may refer to a host.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "@std/path";
import { fileURLToPath } from "node:url";
import { codeOf, importsOf } from "../support/source_code.ts";
import { test } from "../harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The layers below each layer, from the table of folders in
 * docs/internals/architecture.md: its first column is a folder or a file of `src` or
 * `tools`, its last one the layers that it may import.
 */
const below = folderTable(readFileSync(join(root, "docs/internals/architecture.md"), "utf8"));

/** Layers loaded by every program with the library. */
const core = ["errors", "version", "bytes", "runtime", "protocol", "wal", "delivery", "client"];
/**
 * Files outside of src/runtime that may refer to a host: HTTP servers are host-specific,
 * and the demo's program represents a user's.
 */
const namesHosts =
  /^src\/(?:bytes\/(?:find_byte|scan_bytes)|http_server\/listen)\.ts$|^tools\/demo\/program\//;
/** Built-in modules whose values the core may import, and the layer that may. */
const builtins: Record<string, string> = { "node:async_hooks": "client" };

function folderTable(page: string): Record<string, readonly string[]> {
  const rows = page.matchAll(/^\| `(?:src|tools)\/(\w+)(?:\/|\.ts)` *\|[^|]*\|([^|]*)\|$/gm);
  return Object.fromEntries([...rows].map(([, layer, imports]) => {
    return [layer, [...imports.matchAll(/`(\w+)`/g)].map(([, name]) => name)];
  }));
}

const sources = ["src", "tools"].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${top}/${name.replaceAll("\\", "/")}`)
).sort();
const read = (path: string) => readFileSync(join(root, path), "utf8");
const layerOf = (path: string) => path.split("/")[1].replace(/\.ts$/, "");
const relativeImports = (path: string) =>
  importsOf(read(path)).filter(({ specifier }) => specifier.startsWith("."));
const target = (path: string, specifier: string) => join(dirname(path), specifier);

test("every source file belongs to a layer of the table, and no layer is empty", () => {
  assert.ok(sources.length > 50, `${sources.length} sources`);
  assert.deepEqual([...new Set(sources.map(layerOf))].sort(), Object.keys(below).sort());
});

test("relative imports carry .ts, name a file and stay in src and tools", () => {
  const wrong = sources.flatMap((path) =>
    relativeImports(path)
      .filter(({ specifier }) => {
        const file = target(path, specifier);
        return !specifier.endsWith(".ts") || !/^(?:src|tools)\//.test(file) ||
          !existsSync(join(root, file));
      })
      .map(({ specifier }) => `${path} imports ${specifier}`)
  );
  assert.deepEqual(wrong, []);
});

test("each layer imports only lower layers", () => {
  const wrong = sources.flatMap((path) => {
    const layer = layerOf(path);
    return relativeImports(path)
      .map(({ specifier }) => target(path, specifier))
      .filter((file) => layerOf(file) !== layer && !below[layer].includes(layerOf(file)))
      .map((file) => `${path} imports ${file}`);
  });
  assert.deepEqual(wrong, []);
});

test("no import cycles exist", () => {
  const state = new Map<string, "open" | "closed">();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (state.get(path) === "closed") return;
    const here = [...way, path];
    if (state.get(path) === "open") {
      cycles.push(here.slice(here.indexOf(path)).join(" > "));
      return;
    }
    state.set(path, "open");
    for (const { specifier } of relativeImports(path)) visit(target(path, specifier), here);
    state.set(path, "closed");
  };
  for (const path of ["mod.ts", ...sources]) visit(path, []);
  assert.deepEqual(cycles, []);
});

test("the core depends on no packages but @std", () => {
  const wrong = sources.filter((path) => core.includes(layerOf(path))).flatMap((path) =>
    importsOf(read(path))
      .filter(({ specifier, typeOnly }) =>
        !specifier.startsWith(".") && !["@std/path", "@std/jsonc"].includes(specifier) &&
        !(specifier.startsWith("node:") && typeOnly) && builtins[specifier] !== layerOf(path)
      )
      .map(({ specifier }) => `${path} imports ${specifier}`)
  );
  assert.deepEqual(wrong, []);
});

test("only src/runtime names Deno, Bun or the file system", () => {
  const wrong = sources
    .filter((path) => layerOf(path) !== "runtime" && !namesHosts.test(path))
    .flatMap((path) => {
      const named = /\b(?:Deno|Bun)\b/.exec(codeOf(read(path)))?.[0];
      const files = importsOf(read(path)).filter(({ specifier }) =>
        /^(?:node:)?fs(?:\/|$)/.test(specifier)
      );
      return [...(named ? [`${path} names ${named}`] : []), ...files.map(() => `${path} uses fs`)];
    });
  assert.deepEqual(wrong, []);
});

test("the log and the delivery get time and randomness injected", () => {
  const taken =
    /\b(?:Date\.now|new Date\(\)|performance\.now|Math\.random|crypto\.(?:getRandomValues|randomUUID)|(?:set|clear)(?:Timeout|Interval)|globalThis)\b/;
  const wrong = sources
    .filter((path) => ["wal", "delivery"].includes(layerOf(path)))
    .flatMap((path) => {
      const named = taken.exec(codeOf(read(path)))?.[0];
      return named ? [`${path} uses ${named}`] : [];
    });
  assert.deepEqual(wrong, []);
});

test("the source scanner finds imports and code, not comments and strings", () => {
  const text = [
    '// import "./line.ts";',
    '/* import { a } from "./block.ts"; */',
    'import { Deno as host } from "./value.ts";',
    'import type { B } from "./type.ts";',
    'export * from "./again.ts";',
    'const c = await import("./later.ts");',
    'type D = typeof import("./shape.ts");',
    'const text = "Bun // no comment", pattern = /["\'`/]Bun/, half = 1 / 2;',
    "const mixed = `Bun ${names.map((name) => `Bun ${name}`)} Bun`;",
    'import {\n  e,\n} from "./lines.ts";',
  ].join("\n");
  assert.deepEqual(importsOf(text).map(({ specifier, typeOnly }) => [specifier, typeOnly]), [
    ["./value.ts", false],
    ["./type.ts", true],
    ["./again.ts", false],
    ["./later.ts", false],
    ["./shape.ts", true],
    ["./lines.ts", false],
  ]);
  assert.match(codeOf(text), /\bDeno as host\b/);
  assert.match(codeOf(text), /names\.map\(\(name\)/);
  assert.match(codeOf(text), /half = 1 \/ 2/);
  assert.doesNotMatch(codeOf(text), /\bBun\b/);
});
