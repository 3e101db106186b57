/**
 * Runs a child under strace and parses its system calls.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "../processes/child_fixture.ts";

/** A system call; calls are ordered by their end. */
export interface SystemCall {
  /** `write`, `fdatasync`, `fsync`. */
  readonly name: string;
  /** The path of its file descriptor. */
  readonly path: string;
  /** Its arguments, as printed by strace. */
  readonly text: string;
  /** Lines of the trace in which it started and ended. */
  readonly from: number;
  readonly to: number;
}

/** Why children cannot be traced here; `false` if they can. */
export function noStrace(): string | false {
  try {
    execFileSync("strace", ["-o", "/dev/null", "true"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs strace, and the right to trace a child";
  }
}

/**
 * Runs `program` under strace; returns its successful writes and syncs, in order.
 *
 * @param syncMs Delay added to each sync of a file.
 */
export async function traceChild(
  program: string,
  argument: string,
  syncMs = 0,
): Promise<SystemCall[]> {
  const directory = mkdtempSync(join(tmpdir(), "weave-wal-strace-"));
  const output = join(directory, "trace");
  try {
    const calls = "trace=write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range";
    const under = [
      "strace",
      "-f",
      "-y",
      "-s",
      "96",
      "-e",
      calls,
      "-e",
      "signal=none",
      ...syncMs === 0 ? [] : ["-e", `inject=fdatasync:delay_enter=${syncMs * 1_000}`],
      "-o",
      output,
    ];
    const { code, errors } = await startChild(program, argument, { under }).ended;
    if (code !== 0) throw new Error(`The child ended with ${code}: ${errors}`);
    return readTrace(readFileSync(output, "utf8"));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Joins calls that strace split because another thread interleaved. */
export function readTrace(text: string): SystemCall[] {
  const begun = new Map<string, { readonly text: string; readonly at: number }>();
  const calls: SystemCall[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const [, thread, rest] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (rest === undefined) continue;
    const unfinished = /^(.*?)\s*<unfinished \.\.\.>$/.exec(rest);
    if (unfinished) {
      begun.set(thread, { text: unfinished[1], at });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const start = resumed ? begun.get(thread) : undefined;
    const whole = resumed ? (start?.text ?? "") + resumed[1] : rest;
    const call = /^(\w+)\(\d+<(.*?)>(.*)\)\s*= (-?\d+)/.exec(whole);
    if (!call || Number(call[4]) < 0) continue;
    calls.push({ name: call[1], path: call[2], text: call[3], from: start?.at ?? at, to: at });
  }
  return calls;
}
