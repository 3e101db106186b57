/**
 * Disks of this host that refuse changes.
 *
 * @module
 */

import { detectRuntime } from "../../../src/runtime/detect.ts";
import type { FileSystem } from "../../../src/runtime/file_system.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { passOn } from "../count_operations.ts";

/** This host, with a disk that can be filled. */
export function fillableDisk(): { runtime: Runtime; fill(): void } {
  const runtime = detectRuntime();
  let isFull = false;
  const refuse = (): void => {
    if (!isFull) return;
    throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
  };
  const files: FileSystem = {
    ...runtime.files,
    openAppend(path) {
      const file = runtime.files.openAppend(path);
      return new Proxy(file, {
        get(target, name) {
          if (name === "write" || name === "writeBytes") refuse();
          const value = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
    createExclusive(path, text) {
      refuse();
      runtime.files.createExclusive(path, text);
    },
    replace(path, text) {
      refuse();
      runtime.files.replace(path, text);
    },
  };
  return { runtime: { ...runtime, files }, fill: () => isFull = true };
}

/** This host, with a disk that cannot fsync, like some network file systems. */
export function unsyncableDisk(): Runtime {
  const runtime = detectRuntime();
  const refusal = (): Error =>
    Object.assign(new Error("ENOTSUP: operation not supported, fsync"), { code: "ENOTSUP" });
  const files: FileSystem = {
    ...runtime.files,
    openAppend(path) {
      return new Proxy(runtime.files.openAppend(path), {
        get(target, name) {
          if (name === "dataSync") return () => Promise.reject(refusal());
          if (name === "dataSyncNow") {
            return () => {
              throw refusal();
            };
          }
          const value = Reflect.get(target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    },
  };
  return { ...runtime, files };
}

/** Methods that only read. */
const READING = ["openRead", "readText", "list", "scan", "stat", "exists"];

/** This host, with a disk that is mounted read-only until it is mounted again. */
export function readOnlyDisk(): { runtime: Runtime; remount(): void } {
  const { name, process, clock, files } = detectRuntime();
  let isReadOnly = true;
  const readOnly = passOn(files, (method, [path], call) => {
    if (!isReadOnly || READING.includes(method)) return call();
    const message = `EROFS: read-only file system, ${method} '${String(path)}'`;
    const error = Object.assign(new Error(message), { code: "EROFS" });
    if (/^(removeInBackground|syncDirectory)$/.test(method)) return Promise.reject(error);
    throw error;
  });
  const runtime = { name, process, clock, files: readOnly };
  return { runtime, remount: () => isReadOnly = false };
}
