/**
 * Replaces files of log directories with something else.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { dirname, join } from "@std/path";

/** Replacements of a file; links point outside of the logs. */
export const PLANTED = [
  "FIFO",
  "link to file",
  "link to directory",
  "link to FIFO",
  "link to nothing",
  "directory",
  "sparse file",
] as const;

/** One of {@linkcode PLANTED}. */
export type Planted = typeof PLANTED[number];

/** Size of a sparse file, which takes no space on the disk. */
const SPARSE_BYTES = 400 * 1024 * 1024;

/** Replaces what is at `path` with `planted`. */
export function plant(planted: Planted, path: string, outside: Outside): void {
  fs.rmSync(path, { recursive: true, force: true });
  fs.mkdirSync(dirname(path), { recursive: true });
  if (planted === "FIFO") execFileSync("mkfifo", [path]);
  else if (planted === "directory") fs.mkdirSync(join(path, "inner"), { recursive: true });
  else if (planted === "sparse file") {
    fs.writeFileSync(path, "");
    fs.truncateSync(path, SPARSE_BYTES);
  } else fs.symlinkSync(join(outside.path, planted.slice("link to ".length)), path);
}

/** A directory that must not change, full of names that the log uses for its files. */
export class Outside {
  readonly path: string;
  readonly #before: string;

  /** Creates the directory. */
  constructor(path: string, names: readonly string[]) {
    this.path = path;
    for (const directory of [path, join(path, "directory"), join(path, "directory", "inner")]) {
      fs.mkdirSync(directory);
      for (const name of ["precious.json", "precious.tmp", ...names]) {
        fs.writeFileSync(join(directory, name), "precious");
        // Old enough to be considered orphaned.
        fs.utimesSync(join(directory, name), 1e9, 1e9);
      }
    }
    fs.writeFileSync(join(path, "file"), "precious");
    execFileSync("mkfifo", [join(path, "FIFO")]);
    this.#before = this.#state();
  }

  /** Differences from the initial state; `null` if there are none. */
  changes(): string | null {
    const now = this.#state();
    if (now === this.#before) return null;
    const before = new Set(this.#before.split("\n"));
    return now.split("\n").filter((line) => !before.has(line)).join("\n") ||
      "something was deleted";
  }

  #state(): string {
    const names = fs.readdirSync(this.path, { recursive: true, encoding: "utf8" }).sort();
    return names.map((name) => {
      const { mode, size, mtimeMs, nlink } = fs.lstatSync(join(this.path, name));
      return [name, mode, size, mtimeMs, nlink].join(" ");
    }).join("\n");
  }
}
