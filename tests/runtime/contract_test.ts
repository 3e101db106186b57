import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { MemoryRuntime } from "../support/simulated_runtime/memory.ts";
import { bunRuntime, nodeRuntime } from "../../src/runtime/node/node_runtime.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { runtimeContract } from "../support/runtime/contract.ts";
import type { ContractFixture } from "../support/runtime/contract_fixture.ts";

function onDisk(runtime: Runtime): ContractFixture {
  const directory = fs.mkdtempSync(`${tmpdir()}/weave-wal-contract-`);
  return {
    runtime,
    directory,
    symlink: (target, path) => fs.symlinkSync(target, path),
    fifo: (path) => void execFileSync("mkfifo", [path]),
    mode: (path) => fs.statSync(path).mode & 0o777,
    loosenUmask: () => {
      const before = process.umask(0);
      return () => void process.umask(before);
    },
    deadProcess: () =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
        child.on("error", reject);
        child.on("close", () => resolve(child.pid!));
      }),
    setEnv: (name, value) => {
      process.env[name] = value;
      return () => void delete process.env[name];
    },
    dispose: () => fs.rmSync(directory, { recursive: true }),
  };
}

function inMemory(): ContractFixture {
  const runtime = new MemoryRuntime();
  runtime.files.makeDirectory("/work");
  return {
    runtime,
    directory: "/work",
    symlink: (target, path) => runtime.disk.symlink(target, path),
    fifo: (path) => runtime.disk.fifo(path),
    mode: (path) => runtime.disk.mode(path),
    loosenUmask: () => () => {},
    deadProcess: () => {
      const other = new MemoryRuntime({ host: runtime.host });
      other.kill();
      return Promise.resolve(other.process.pid);
    },
    setEnv: (name, value) => {
      runtime.env[name] = value;
      return () => void delete runtime.env[name];
    },
    dispose: () => runtime.exit(),
  };
}

const host = detectRuntime();
const isPosix = process.platform !== "win32";
runtimeContract(`${host.name} adapter`, () => onDisk(host), isPosix);
// Node and Bun can each run the other's adapter; on Deno, unlink removes directories.
if (host.name === "bun") {
  runtimeContract("node adapter as a guest", () => onDisk(nodeRuntime()), isPosix);
}
if (host.name === "node") {
  runtimeContract("bun adapter as a guest", () => onDisk(bunRuntime()), isPosix);
}
runtimeContract("memory adapter", inMemory, true);
