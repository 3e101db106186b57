/**
 * Lists the processes that have a presence file, and removes the files of dead ones.
 *
 * @module
 */

import { join } from "@std/path";
import { hasCode } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { Slices } from "../../runtime/event_loop.ts";
import { removeIfExists } from "../remove_file.ts";
import { ABANDONED_AFTER_MS, STALE_AFTER_MS } from "./failure_detector.ts";
import { hasLosses, PROCESSES_DIRECTORY, readPresence } from "./presence_state.ts";
import { liveness } from "./process_identity.ts";

/** Directory in which version 0.1 stored the reports of senders. */
const OLD_DIRECTORY = ".senders";
const NAME = /^(\w+)\.json$/;
/** Ms for which to keep the file of a dead process that lost records, so that people can see it. */
export const LOSSES_SHOWN_MS = 86_400_000;
/** Files of killed processes: temporary files, and requests that no process will read. */
const TEMPORARY = /^\w+\.(json\.\w+\.tmp|wake)$/;

/** Returns the tokens of the processes with a presence file. */
export async function processTokens({ files }: Runtime, root: string): Promise<string[]> {
  return (await namesIn({ files }, join(root, PROCESSES_DIRECTORY)))
    .map((name) => NAME.exec(name)?.[1]).filter((token) => token !== undefined);
}

/** The processes that have segments. */
export interface SegmentWriters {
  /** Lists the segments. */
  refresh(): Promise<void>;
  /** Returns whether a process had segments when they were last listed. */
  isWriter(token: string): boolean;
}

/**
 * Removes the presence files of processes without segments that are dead or have long been
 * unresponsive; after a day if they lost records. Also removes temporary files of killed processes.
 *
 * @param segments Tells which processes have segments: their files are kept, and not even read.
 * @returns Whether temporary files remain that are too recent to remove.
 */
export async function removeDeadPresences(
  runtime: Runtime,
  root: string,
  segments: SegmentWriters,
): Promise<boolean> {
  const { files, clock } = runtime;
  const slices = new Slices(clock);
  await segments.refresh();
  const directories = [PROCESSES_DIRECTORY, OLD_DIRECTORY].map((name) => join(root, name));
  const dead: { path: string; token: string | undefined }[] = [];
  const listed: string[] = [];
  let leavesTemporary = false;
  for (const directory of directories) {
    const names = await namesIn(runtime, directory);
    if (names.length > 0) listed.push(directory);
    for (const name of names) {
      if (slices.isOver) await slices.next();
      const token = NAME.exec(name)?.[1];
      if (token === undefined ? !TEMPORARY.test(name) : segments.isWriter(token)) continue;
      const path = join(directory, name);
      const state = readPresence(runtime, path);
      const known = state && (state.ended ? "dead" : liveness(state.identity, runtime.process));
      if (known === "alive") continue;
      const modified = files.stat(path)?.modified ?? Infinity;
      const isLossy = state !== null && state.log !== null && hasLosses(state.log);
      if (isLossy && clock.now() - modified <= LOSSES_SHOWN_MS) continue;
      const oldAfter = token === undefined ? STALE_AFTER_MS : ABANDONED_AFTER_MS;
      if (known === "dead" || clock.now() - modified > oldAfter) dead.push({ path, token });
      else leavesTemporary ||= token === undefined;
    }
  }
  // Only now is it known which processes are dead: one that runs may have made its first segment.
  if (dead.length > 0) await segments.refresh();
  for (const { path, token } of dead) {
    if (slices.isOver) await slices.next();
    if (token === undefined || !segments.isWriter(token)) removeIfExists(files, path);
  }
  for (const directory of listed) {
    try {
      files.removeDirectory(directory);
    } catch {
      // Not empty.
    }
  }
  return leavesTemporary;
}

async function namesIn({ files }: Pick<Runtime, "files">, directory: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entries of files.scan(directory)) {
      for (const { name, kind } of entries) if (kind === "file") found.push(name);
    }
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  return found;
}
