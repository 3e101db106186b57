/**
 * A program for tests of exits: `runtime_child.ts <what>` adds listeners, prints which
 * ones ran, and ends in the way given by `what`.
 *
 * @module
 */

import process from "node:process";
import { detectRuntime } from "../../../src/runtime/detect.ts";

const { process: facts, clock } = detectRuntime();
const say = (what: string) => console.log(what);
const later = (ms: number) => new Promise<void>((done) => void clock.after(ms, done));

facts.onBeforeExit(async () => {
  say("natural begins");
  // This timer does not keep a program alive.
  await later(50);
  say("natural ends");
});
facts.onExit(() => say("exit"));

switch (process.argv[2]) {
  case "natural":
    break;
  case "code":
    process.exitCode = 3;
    break;
  case "rejects":
    facts.onBeforeExit(() => Promise.reject(new Error("Dropped")));
    facts.onBeforeExit(() => {
      throw new Error("Dropped too");
    });
    facts.onExit(() => {
      throw new Error("And this");
    });
    break;
  case "exit":
    setTimeout(() => process.exit(4), 1);
    break;
  case "throws":
    setTimeout(() => {
      throw new Error("Uncaught on purpose");
    }, 1);
    break;
  case "twice":
    facts.onBeforeExit(async () => {
      await later(1);
      // Added while the others run: it runs last, as part of the same exit.
      facts.onBeforeExit(() => Promise.resolve(say("late listener")));
    });
    break;
  case "removed":
    facts.onBeforeExit(() => Promise.resolve(say("never")))();
    break;
  case "timer":
    clock.after(3_600_000, () => say("never"));
    break;
  case "held":
    clock.after(20, () => say("held timer"), { ref: true });
    break;
  case "facts":
    say(JSON.stringify({
      startTime: facts.startTime,
      bootId: facts.bootId,
      pidNamespace: facts.pidNamespace,
      host: facts.host,
      user: facts.user,
      own: facts.findProcess(facts.pid) !== null,
      parent: facts.findProcess(process.ppid) !== null,
      parentStart: facts.findProcess(process.ppid)?.startTime,
      parentPath: facts.variableOf(process.ppid, "PATH") ?? null,
      env: facts.env("PATH") ?? null,
      home: facts.home() ?? null,
      cwd: facts.cwd(),
    }));
    break;
  default:
    throw new Error(`Cannot play an unknown part: ${process.argv[2]}`);
}
