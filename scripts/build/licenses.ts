/**
 * Licenses of the packages whose code the build inlines; every copy must include them.
 *
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../test/process.ts";

/** The file's name in the built package. */
export const LICENSES_FILE = "THIRD_PARTY_LICENSES.txt";

/** License texts of packages that do not include one. */
const KNOWN_TEXTS: Readonly<Record<string, string>> = { "deno-std": "std/LICENSE" };

interface Manifest {
  name: string;
  version: string;
  license?: string;
}

const HEADER = `This package contains code of the packages below, under their licenses. The library
itself contains that of @std only (deno-std); the rest is in the command weave-wal.
`;

/**
 * Writes the licenses of the packages to which `inputs` (file paths from the project
 * root) belong; returns the packages.
 *
 * @throws If a package has no license text.
 */
export function writeLicenses(out: string, inputs: readonly string[]): string[] {
  const folders = inputs.flatMap((input) => {
    const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    return found === undefined ? [] : [found];
  });
  const sections = [...new Set(folders)].map(sectionOf).sort((a, b) => a.name < b.name ? -1 : 1);
  const text = sections.map(({ text }) => text);
  writeFileSync(join(out, LICENSES_FILE), [HEADER, ...text].join(`\n${"-".repeat(80)}\n\n`));
  return sections.map(({ name }) => name);
}

function sectionOf(folder: string): { name: string; text: string } {
  const path = join(projectRoot, folder);
  const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
  const { name, version, license } = manifest;
  const files = readdirSync(path).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file))
    .sort().map((file) => join(path, file));
  if (KNOWN_TEXTS[name]) files.push(join(projectRoot, KNOWN_TEXTS[name]));
  const texts = files.map((file) => readFileSync(file, "utf8").trim());
  if (license === undefined || texts.length === 0) {
    throw new Error(`Cannot publish code of ${name} without the text of its license`);
  }
  return { name, text: `${name} ${version} (${license})\n\n${texts.join("\n\n")}\n` };
}
