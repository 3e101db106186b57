import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { constants, hostname, release, type, version } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bareRuntime } from "../../src/runtime/edge/edge_runtime.ts";
import { coded, withCode } from "../../src/runtime/coded_error.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { parseStat } from "../../src/runtime/process/linux_proc.ts";
import { processFacts } from "../../src/runtime/process/process_info.ts";
import { test } from "../harness.ts";

const hasProc = fs.existsSync("/proc/self/stat");

const noProc = !hasProc && "needs Linux's /proc";

const globals = globalThis as { Deno?: unknown; Bun?: unknown };

test("the runtime is detected once, as one of three", () => {
  const runtime = detectRuntime();
  assert.equal(runtime.name, globals.Deno ? "deno" : globals.Bun ? "bun" : "node");
  assert.equal(detectRuntime(), runtime);
});

test("on Linux a process knows its start time, boot ID and namespace", () => {
  const facts = detectRuntime().process;
  const stat = fs.readFileSync("/proc/self/stat", "utf8");
  assert.equal(facts.startTime, stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  assert.match(facts.bootId!, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  assert.match(facts.pidNamespace!, /^pid:\[\d+\]$/);
  assert.equal(facts.host, hostname());
  assert.equal(facts.pid, process.pid);
  assert.equal(facts.cwd(), process.cwd());
}, { skip: noProc });

test("a zombie counts as dead", async () => {
  const isAlive = (pid: number) => detectRuntime().process.findProcess(pid) !== null;
  // The shell replaces itself with a program that never reaps the child it inherits.
  const shell = spawn("/bin/sh", ["-c", "exec 3<&0; cat <&3 & echo $!; exec sleep 60"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => shell.on("close", resolve));
  const until = async (reached: () => boolean) => {
    while (!reached()) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  try {
    const pid = Number(await new Promise((resolve) => shell.stdout.once("data", resolve)));
    await until(() => fs.readFileSync(`/proc/${shell.pid}/comm`, "utf8") === "sleep\n");
    assert.equal(isAlive(pid), true);
    shell.stdin.end();
    await until(() => fs.readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z "));
    assert.equal(isAlive(pid), false);
    assert.equal(isAlive(shell.pid!), true);
  } finally {
    shell.kill("SIGKILL");
    await ended;
  }
}, { skip: noProc });

test("creating a directory in /proc fails quickly", () => {
  const { files } = detectRuntime();
  for (const path of ["/proc/weave-wal", "/proc/weave-wal/team/demo", "/proc/stat/x"]) {
    assert.throws(() => files.makeDirectory(path), { code: /^(ENOENT|ENOTDIR|EACCES)$/ }, path);
  }
}, { skip: noProc });

test("parseStat finds its fields after any command name", () => {
  const rest = `S 1 ${Array.from({ length: 17 }, (_, index) => index).join(" ")} 4242 0 0\n`;
  for (const command of ["node", "a b", "((x) y", ") R 1 2 3", "", "S 1 (2) Z"]) {
    assert.deepEqual(parseStat(`77 (${command}) ${rest}`), { state: "S", startTime: "4242" });
  }
});

test("parseStat returns null for a line that is not a stat line", () => {
  for (const text of ["", "77", "77 (node)", "77 (node) S 1 2", "no parentheses S 1 2 3"]) {
    assert.equal(parseStat(text), null, text);
  }
});

const events = { beforeExit: () => {}, exit: () => {} };

/** A process that has ended. */
const UNUSED_PID = 2 ** 31 - 1;

test("a process that cannot be queried counts as alive", () => {
  const refusing = processFacts({ granted: () => undefined, events });
  assert.ok(refusing.findProcess(UNUSED_PID));
  assert.equal(detectRuntime().process.findProcess(UNUSED_PID), null);
});

test("a process that accepts signals is alive even if /proc hides it", () => {
  const facts = processFacts({
    granted: ({ name }, ask) => name === "run" ? ask() : undefined,
    events,
  });
  assert.ok(facts.findProcess(process.pid));
  assert.equal(facts.findProcess(UNUSED_PID), null);
});

test("facts are asked for late and once, and unknown where they are refused", () => {
  const asked: string[] = [];
  const facts = processFacts({
    granted: (permission) => void asked.push(Object.values(permission).join(" ")),
    events,
  });
  assert.deepEqual(asked, []);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual([facts.startTime, facts.bootId, facts.pidNamespace], [null, null, null]);
    assert.deepEqual([facts.host, facts.user], ["", null]);
  }
  assert.deepEqual(asked, [
    "read /proc/self/stat",
    "read /proc/sys/kernel/random/boot_id",
    "read /proc/self/ns/pid",
    "sys hostname",
    "sys uid",
  ]);
  assert.deepEqual([facts.env("PATH"), facts.envNames(), facts.home()], [undefined, [], undefined]);
});

test("the runtime and the system are identified as far as possible", () => {
  const { system } = detectRuntime().process;
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  assert.equal(
    system.runtime,
    deno ? `Deno ${deno}` : bun ? `Bun ${bun}` : `Node.js ${node}`,
  );
  assert.deepEqual(
    [system.osName, system.osRelease, system.osVersion],
    [type(), release(), version()],
  );
  const refusing = processFacts({ granted: () => undefined, events }).system;
  assert.deepEqual({ ...refusing }, {
    runtime: system.runtime,
    osName: system.osName,
    osRelease: undefined,
    osVersion: undefined,
  });
  assert.deepEqual(bareRuntime().process.system, { runtime: "unknown" });
});

test("a runtime without files fails with ENOSYS and knows no processes", async () => {
  const { files, process: facts } = bareRuntime();
  const refused = { code: "ENOSYS" };
  assert.throws(() => files.openAppend("/x"), refused);
  assert.throws(() => files.openRead("/x"), refused);
  assert.throws(() => files.readText("/x"), refused);
  assert.throws(() => files.createExclusive("/x", ""), refused);
  assert.throws(() => files.replace("/x", ""), refused);
  assert.throws(() => files.rename("/x", "/y"), refused);
  assert.throws(() => files.remove("/x"), refused);
  assert.throws(() => files.removeDirectory("/x"), refused);
  assert.throws(() => files.list("/x"), refused);
  assert.throws(() => files.stat("/x"), refused);
  assert.throws(() => files.makeDirectory("/x"), refused);
  assert.throws(() => files.syncDirectoryNow("/x"), refused);
  await assert.rejects(files.syncDirectory("/x"), refused);
  await assert.rejects(files.removeInBackground(["/x"]), refused);
  await assert.rejects(files.scan("/x")[Symbol.asyncIterator]().next(), refused);
  assert.equal(files.exists("/x"), false);
  assert.equal(facts.user, null);
  assert.deepEqual([facts.startTime, facts.bootId, facts.pidNamespace], [null, null, null]);
  assert.ok(facts.findProcess(1));
  facts.onExit(() => {})();
  facts.onBeforeExit(() => Promise.resolve())();
});

test("refusals get the POSIX code, other errors keep theirs", async () => {
  const refusal = Object.assign(new Error("Requires read access"), { name: "NotCapable" });
  const throwing = (error: unknown) => () =>
    coded(() => {
      throw error;
    });
  assert.throws(throwing(refusal), { code: "EACCES" });
  const refused = Object.assign(new Error("Access restricted"), { code: "ERR_ACCESS_DENIED" });
  assert.throws(throwing(refused), { code: "EACCES" });
  const full = Object.assign(new Error("No space"), { name: "PermissionDenied", code: "EPERM" });
  assert.throws(throwing(full), { code: "EPERM" });
  assert.throws(throwing(new TypeError("Other")), (error) => !("code" in (error as Error)));
  assert.equal(coded(() => 1), 1);
  await assert.rejects(coded(() => Promise.reject(refused)), { code: "EACCES" });
});

test("errors with only a number get its POSIX code", () => {
  const { errno } = constants;
  const quota = Object.assign(new Error("Unknown system error"), {
    code: `Unknown system error -${errno.EDQUOT}`,
    errno: -errno.EDQUOT,
  });
  const missing = new Error(`Function not implemented (os error ${errno.ENOSYS})`);
  const foreign = new Error("Something else (os error 99999)");
  for (const [error, code] of [[quota, "EDQUOT"], [missing, "ENOSYS"], [foreign, undefined]]) {
    assert.equal((withCode(error) as { code?: string }).code, code);
  }
  assert.equal(withCode("text"), "text");
}, { skip: process.platform === "win32" && "numbers are those of POSIX" });

/** Runs the program on Deno with some permissions, in a terminal, where Deno may prompt. */
async function factsUnder(permissions: string[]): Promise<Record<string, unknown>> {
  const program = fileURLToPath(new URL("../support/runtime/runtime_child.ts", import.meta.url));
  const command = [process.execPath, "run", "--no-check", ...permissions, program, "facts"];
  const child = spawn("script", ["-qec", command.join(" "), "/dev/null"], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "" },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => output += text);
  await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const line = output.split("\n").find((text) => text.startsWith("{"));
  assert.ok(line && !output.includes("Deno requests"), output);
  return JSON.parse(line);
}

if (globals.Deno) {
  const noTerminal = !fs.existsSync("/usr/bin/script") && "needs util-linux's script";

  test("without permissions Deno's facts are unknown, and there is no prompt", async () => {
    const facts = await factsUnder([]);
    assert.deepEqual({ ...facts, cwd: "" }, {
      startTime: null,
      bootId: null,
      pidNamespace: null,
      host: "",
      user: null,
      own: true,
      parent: true,
      parentStart: null,
      parentPath: null,
      env: null,
      home: null,
      cwd: "",
    });
  }, { skip: noTerminal });

  test("with some permissions Deno's facts are partly known", async () => {
    const facts = await factsUnder(["--allow-read", "--allow-env=PATH", "--allow-run=git"]);
    assert.equal(facts.env, process.env.PATH);
    assert.equal(facts.home, null);
    assert.equal(facts.host, "");
    assert.equal(facts.parent, true);
  }, { skip: noTerminal });

  test("with all permissions Deno's facts are known", async () => {
    const facts = await factsUnder(["-A"]);
    assert.equal(facts.host, hostname());
    assert.equal(facts.user, process.geteuid!());
    assert.equal(facts.home, process.env.HOME);
    assert.equal(typeof facts.startTime, "string");
    assert.equal(typeof facts.parentStart, "string");
    assert.equal(facts.parentPath, process.env.PATH);
  }, { skip: noTerminal || noProc });
}
