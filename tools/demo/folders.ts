/**
 * Folders of the demo: its temporary one, and the log in it.
 *
 * @module
 */

import { tmpdir } from "node:os";
import { join } from "@std/path";
import { detectRuntime } from "../../src/runtime/detect.ts";

/** A file and its size in bytes. */
export interface FoundFile {
  /** Below the folder that was asked for. */
  readonly name: string;
  readonly size: number;
}

/** Makes an empty folder among the temporary ones. */
export function makeTemporaryFolder(): string {
  const path = join(tmpdir(), `weave-wal-demo-${crypto.randomUUID().slice(0, 8)}`);
  detectRuntime().files.makeDirectory(path);
  return path;
}

/** Removes a folder with all that is in it. */
export function removeFolder(path: string): void {
  const { files } = detectRuntime();
  for (const { name, kind } of files.list(path)) {
    if (kind === "directory") removeFolder(join(path, name));
    else files.remove(join(path, name));
  }
  files.removeDirectory(path);
}

/**
 * What lies in the folder of the logs: segments and all that belongs to them. Names with a leading
 * dot, such as `.gitignore`, belong to no segment.
 */
export function logFiles(walDir: string): FoundFile[] {
  const { files } = detectRuntime();
  if (files.stat(walDir) === null) return [];
  return files.list(walDir).filter(({ name }) => !name.startsWith(".")).flatMap(
    ({ name, kind }) => {
      const path = join(walDir, name);
      return kind === "directory"
        ? logFiles(path).map((file) => ({ ...file, name: join(name, file.name) }))
        : [{ name, size: files.stat(path)?.size ?? 0 }];
    },
  );
}

/** The project's documentation, without the generated list of tests, which answers no question. */
export function documentsOf(root: string): string[] {
  return ["", "docs", "docs/operations", "docs/internals"].flatMap((folder) =>
    listed(join(root, folder))
      .filter((name) => name.endsWith(".md") && name !== "test-coverage.md")
      .map((name) => join(root, folder, name))
  );
}

function listed(folder: string): string[] {
  const { files } = detectRuntime();
  return files.stat(folder) === null ? [] : files.list(folder).map(({ name }) => name).sort();
}
