/**
 * The temporary folder of the demo, and the log in it.
 *
 * @module
 */

import { tmpdir } from "node:os";
import { join } from "@std/path";
import { detectRuntime } from "../../src/runtime/detect.ts";

/** A file and its size in bytes. */
export interface FoundFile {
  /** Path relative to the folder that was listed. */
  readonly name: string;
  readonly size: number;
}

/** Creates an empty temporary folder. */
export function makeTemporaryFolder(): string {
  const path = join(tmpdir(), `weave-wal-demo-${crypto.randomUUID().slice(0, 8)}`);
  detectRuntime().files.makeDirectory(path);
  return path;
}

/** Deletes a folder and everything in it. */
export function removeFolder(path: string): void {
  const { files } = detectRuntime();
  for (const { name, kind } of files.list(path)) {
    if (kind === "directory") removeFolder(join(path, name));
    else files.remove(join(path, name));
  }
  files.removeDirectory(path);
}

/**
 * Files in the log directory: segments and their sidecar files. Names with a leading dot, such as
 * `.gitignore`, do not belong to a segment.
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

/** The project's documentation, without the generated list of tests, which answers no questions. */
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
