/**
 * The npm package as seen by tools: compilers of different kinds of programs, publint,
 * and attw.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import process from "node:process";
import { join } from "@std/path";
import { publicEntries } from "../../../scripts/build/entries.ts";
import { projectRoot } from "../../../scripts/test/process.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { test, type TestOptions } from "../../harness.ts";
import { manifest, packed, succeeds } from "../../support/package/package_fixture.ts";

/** None of this depends on the runtime, and the tools run on Node. */
const isNode = detectRuntime().name === "node";
const NODE: TestOptions = { timeout: 240_000, skip: isNode ? false : "run once, on Node" };

const name = manifest.name;
/** A program that uses every entry point with ECMAScript types only. */
const plainProgram = `
import { init, op, WeaveWalError, type FlushOptions, type InitOptions } from "${name}";
import { durable, type DurableOptions } from "${name}/durable";
import type {} from "${name}/register";
import type {} from "${name}/cli";

const options: InitOptions = { wal: true, onEvent: ({ message }) => message.trim() };
const durableOptions: DurableOptions = { fsync: "always" };
await using client = await init("team/project", options);
const add = op(function add(a: number, b: number): number { return a + b; });
const sum: number = add(1, 2);
const limits: FlushOptions = { timeout: sum };
const { done }: { done: boolean } = await client.flush(limits);
const bytes: Uint8Array = await client.fileContent("digest");
// A type that the compiler knows refuses this.
const wrong: boolean = !(("x" as string) in new WeaveWalError("ERR_LOG_CLOSED", String(done)));
export { bytes, durable, durableOptions, wrong };
`;
/** The same with the web's types: values of the host are accepted. */
const webProgram = `${plainProgram}
await client.flush({ signal: AbortSignal.timeout(1) });
await client.retryDeadLetters({ signal: new AbortController().signal });
await init("team/project", { fetch });
await init("team/project", { fetch: (url, init) => fetch(url, init) });
await init("team/project", { fetch: async (url) => new Response(url) });
export const blob = new Blob([await client.fileContent("digest")]);
`;

interface Program {
  readonly text: string;
  readonly lib: readonly string[];
  readonly types: readonly string[];
}

const programs: Record<string, Program> = {
  "ECMAScript only": { text: plainProgram, lib: ["es2022"], types: [] },
  "a browser's types": { text: webProgram, lib: ["es2022", "dom", "dom.iterable"], types: [] },
  "Node's types": { text: webProgram, lib: ["es2022"], types: ["node"] },
  "Node's types and a browser's": { text: webProgram, lib: ["es2023", "dom"], types: ["node"] },
};

/** Module resolutions. */
const resolutions = ["node16", "nodenext", "bundler"];
/** Compilers, and the programs and resolutions that each is run with. */
const compilers: Record<string, { command: readonly string[]; cases: readonly string[][] }> = {
  "this project's": {
    command: ["tsc"],
    cases: resolutions.flatMap((resolution) =>
      Object.keys(programs).map((title) => [title, resolution])
    ),
  },
  // TypeScript 5.6, which is slower, and has no type parameter for a typed array's
  // buffer.
  "an older": {
    command: ["node", olderCompiler()],
    cases: [
      ...resolutions.map((resolution) => ["ECMAScript only", resolution]),
      ["Node's types and a browser's", "nodenext"],
    ],
  },
};

function olderCompiler(): string {
  const attw = createRequire(join(projectRoot, "package.json"))
    .resolve("@arethetypeswrong/cli/package.json");
  const core = createRequire(attw).resolve("@arethetypeswrong/core");
  return createRequire(core).resolve("typescript/bin/tsc");
}

/** The package, unpacked where a program can import it. */
interface Place {
  readonly app: string;
  readonly tarball: string;
}

let made: Promise<Place> | undefined;

/** Unpacks the package once for all tests of this file. */
function unpacked(): Promise<Place> {
  return made ??= unpack();
}

async function unpack(): Promise<Place> {
  const top = mkdtempSync(join(tmpdir(), "weave-wal-types-"));
  process.once("exit", () => rmSync(top, { recursive: true }));
  const tarball = await packed(top);
  const app = join(top, "app");
  const folder = join(app, "node_modules", name);
  mkdirSync(folder, { recursive: true });
  await succeeds("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder]);
  mkdirSync(join(app, "node_modules", "@types"));
  symlinkSync(
    join(projectRoot, "node_modules/@types/node"),
    join(app, "node_modules/@types/node"),
  );
  symlinkSync(
    join(projectRoot, "node_modules/undici-types"),
    join(app, "node_modules/undici-types"),
  );
  writeFileSync(join(app, "package.json"), '{ "type": "module" }');
  return { app, tarball };
}

for (const [whose, { command: [command, ...args], cases }] of Object.entries(compilers)) {
  test(`types: programs with few lib settings compile with ${whose} compiler`, async () => {
    const place = await unpacked();
    for (const [title, moduleResolution] of cases) {
      const { text, lib, types } = programs[title];
      writeFileSync(join(place.app, "program.ts"), text);
      const module = moduleResolution === "bundler" ? "esnext" : moduleResolution;
      const compilerOptions = {
        ...{ target: "es2022", strict: true, exactOptionalPropertyTypes: true, noEmit: true },
        ...{ skipLibCheck: false, lib, types, module, moduleResolution },
      };
      const config = JSON.stringify({ compilerOptions, files: ["program.ts"] });
      writeFileSync(join(place.app, "tsconfig.json"), config);
      const { output } = await succeeds(command, [...args, "-p", place.app]);
      assert.equal(output.trim(), "", `${title}, ${moduleResolution}`);
    }
  }, NODE);
}

test("types: publint and attw report only that the package is ESM-only", async () => {
  const place = await unpacked();
  const bin = (tool: string): string => join(projectRoot, "node_modules/.bin", tool);
  const folder = join(place.app, "node_modules", name);
  const linted = await succeeds(bin("publint"), ["run", folder, "--strict"]);
  assert.match(linted.output, /All good!/);
  const checked = await succeeds(bin("attw"), [
    ...[place.tarball, "--ignore-rules", "cjs-resolves-to-esm", "--no-emoji"],
  ]);
  assert.match(checked.output, /No problems found/);
  for (const { subpath } of publicEntries()) {
    assert.ok(checked.output.includes(`"${name}${subpath.slice(1)}"`), subpath);
  }
}, NODE);

test("types: the package contains its documentation and licenses", async () => {
  const place = await unpacked();
  const folder = join(place.app, "node_modules", name);
  const read = (path: string): string => readFileSync(join(folder, path), "utf8");
  const require = createRequire(join(place.app, "program.js"));
  assert.equal(require(`${name}/package.json`).version, manifest.version);
  const pages = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"));
  assert.ok(pages.includes("docs/settings.md"), pages.join());
  for (const page of pages) {
    for (const [, link] of read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      // Sources are in the repository.
      const isSource = /^(?:\.\.\/)*(?:src|tests|tools|scripts)\//.test(link);
      assert.ok(isSource || existsSync(join(folder, page, "..", link)), `${page}: ${link}`);
    }
  }
  const licenses = read("dist/THIRD_PARTY_LICENSES.txt");
  const { devDependencies } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8"));
  for (const inlined of ["commander", "hono", "cli-table3", "deno-std"]) {
    const section = licenses.split(`\n${inlined} ${devDependencies[inlined]} (MIT)\n`)[1] ?? "";
    assert.match(
      section,
      /^\s+(?:The MIT|MIT|\(The MIT)[^]*Copyright[^]*WITHOUT WARRANTY/,
      inlined,
    );
  }
}, NODE);
