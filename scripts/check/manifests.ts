/**
 * deno.json, package.json, CHANGELOG.md and the sources are consistent.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DenoManifest, publicEntries, readJson } from "../build/entries.ts";
import { projectRoot } from "../test/process.ts";

interface NodeManifest {
  name: string;
  version: string;
  license: string;
  homepage: string;
  bugs: { url: string };
  repository: { type: string; url: string };
  main: string;
  types: string;
  exports: Record<string, { types: string; default: string } | string>;
  typesVersions: Record<string, Record<string, string[]>>;
  sideEffects: string[];
  publishConfig: { access: string };
  bin?: Record<string, string>;
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

interface CopyManifest {
  name: string;
  version: string;
  publish?: boolean;
}

/** Runtime dependencies of any kind: npm users get none. */
const dependencyKinds = ["dependencies", "optionalDependencies"] as const;

/** An exact version, optionally of an aliased package. */
const exactVersion = /^(?:npm:[^@]+@)?\d+\.\d+\.\d+$/;

/** Inconsistencies, one line each. */
export function checkManifests(): string[] {
  const deno = readJson<DenoManifest>("deno.json");
  const npm = readJson<NodeManifest>("package.json");
  return [
    ...checkIdentity(deno, npm),
    ...checkHome(npm),
    ...checkExports(npm),
    ...checkLegacyResolution(npm),
    ...checkDependencies(deno, npm),
    ...checkCopies(deno),
    ...checkScripts(npm),
  ];
}

function checkIdentity(deno: DenoManifest, npm: NodeManifest): string[] {
  const problems: string[] = [];
  for (const field of ["name", "version", "license"] as const) {
    if (deno[field] === npm[field]) continue;
    problems.push(`${field}: ${deno[field]} in deno.json, ${npm[field]} in package.json`);
  }
  const { version } = deno;
  const source = readFileSync(join(projectRoot, "src/version.ts"), "utf8");
  const found = /^export const VERSION = "(.*)";$/m.exec(source)?.[1];
  if (found !== version) {
    problems.push(`version: ${version} in deno.json, ${found} in src/version.ts`);
  }
  const changes = readFileSync(join(projectRoot, "CHANGELOG.md"), "utf8");
  if (!changes.includes(`\n## [${version}]`)) {
    problems.push(`CHANGELOG.md has no heading for version ${version}`);
  }
  return problems;
}

/** Checks that the links of the package's page point to one repository. */
function checkHome({ homepage, bugs, repository, publishConfig }: NodeManifest): string[] {
  const home = /^git\+(https:\/\/.+)\.git$/.exec(repository.url)?.[1];
  const links = { homepage: `${home}#readme`, "bugs.url": `${home}/issues` };
  const found = { homepage, "bugs.url": bugs.url };
  const problems = Object.entries(links).flatMap(([name, wanted]) =>
    found[name as keyof typeof found] === wanted ? [] : [`${name}: not ${wanted}`]
  );
  if (publishConfig.access !== "public") {
    problems.push("publishConfig: a scoped package is private");
  }
  return problems;
}

function checkExports(npm: NodeManifest): string[] {
  const problems: string[] = [];
  const entries = publicEntries();
  for (const { subpath, source, javascript, types } of entries) {
    if (!existsSync(join(projectRoot, source))) problems.push(`exports ${subpath}: no ${source}`);
    const wanted = JSON.stringify({ types, default: javascript });
    const found = JSON.stringify(npm.exports[subpath]);
    if (found !== wanted) {
      problems.push(`exports ${subpath}: ${found} in package.json, not ${wanted}`);
    }
  }
  for (const subpath of Object.keys(npm.exports)) {
    if (entries.some((entry) => entry.subpath === subpath) || subpath === "./package.json") {
      continue;
    }
    problems.push(`exports ${subpath}: only in package.json`);
  }
  for (const [command, file] of Object.entries(npm.bin ?? {})) {
    if (entries.some(({ javascript }) => javascript === `./${file}`)) continue;
    problems.push(`bin ${command}: ${file} is not a public entry`);
  }
  if (npm.exports["./package.json"] !== "./package.json") {
    problems.push("exports ./package.json: not exported, and many tools read it");
  }
  return problems;
}

/** TypeScript with `moduleResolution: "node"` does not support `exports`. */
function checkLegacyResolution(npm: NodeManifest): string[] {
  const [top, ...others] = publicEntries();
  const wanted = {
    main: top.javascript,
    types: top.types,
    typesVersions: {
      "*": Object.fromEntries(others.map(({ subpath, types }) => [subpath.slice(2), [types]])),
    },
  };
  return Object.entries(wanted).flatMap(([name, value]) => {
    const text = JSON.stringify(value);
    return JSON.stringify(npm[name as keyof NodeManifest]) === text ? [] : [`${name}: not ${text}`];
  });
}

function checkDependencies(deno: DenoManifest, npm: NodeManifest): string[] {
  const problems: string[] = [];
  for (const kind of dependencyKinds) {
    if (kind in npm) problems.push(`package.json has ${kind}; the build inlines what it needs`);
  }
  // Dependencies of a single entry are provided by the programs that import it.
  for (const name of Object.keys(npm.peerDependencies ?? {})) {
    if (npm.peerDependenciesMeta?.[name]?.optional !== true) {
      problems.push(`peerDependencies: ${name} is not optional`);
    }
    if (!(name in npm.devDependencies)) problems.push(`${name}: not among devDependencies`);
  }
  for (const [name, version] of Object.entries(npm.devDependencies)) {
    if (!exactVersion.test(version)) problems.push(`${name}: ${version} is not an exact version`);
  }
  // npm packages are listed only in package.json, where Deno finds them, also for JSR.
  for (const [name, target] of Object.entries(deno.imports)) {
    const wanted = `jsr:${name}@^1`;
    if (target !== wanted) problems.push(`import ${name}: ${target} in deno.json, not ${wanted}`);
  }
  return problems;
}

/**
 * Every `@std` import has a local copy for work without access to JSR, which must never
 * be published.
 */
function checkCopies({ imports, workspace }: DenoManifest): string[] {
  const problems: string[] = [];
  const copies = workspace.map((path) => {
    const { name, version, publish } = readJson<CopyManifest>(`${path}/deno.json`);
    if (!version.startsWith("1.")) problems.push(`${path}: version ${version} is not in ^1`);
    if (publish !== false) problems.push(`${path}: would be published`);
    return name;
  });
  const wanted = Object.keys(imports);
  if (copies.sort().join() !== wanted.sort().join()) {
    problems.push(
      `copies of ${copies.join(", ")} in the workspace, imports of ${wanted.join(", ")}`,
    );
  }
  return problems;
}

function checkScripts(npm: NodeManifest): string[] {
  return Object.entries(npm.scripts).flatMap(([name, command]) =>
    [...command.matchAll(/\S+\.ts\b/g)]
      .filter(([file]) => !existsSync(join(projectRoot, file)))
      .map(([file]) => `npm run ${name}: no ${file}`)
  );
}
