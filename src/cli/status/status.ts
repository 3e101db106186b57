/**
 * `weave-wal status`.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { parseDuration } from "../terminal/arguments.ts";
import { type Context, guardedContext, throwIfStopped } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { describe, type LogFlags, projectFilter, withLogOptions } from "../terminal/options.ts";
import { beginProgress, type Progress } from "../terminal/progress.ts";
import { commandSettings } from "../settings.ts";
import { adviseOn } from "./advice.ts";
import { statusJson } from "./json.ts";
import { StatusReporter, totalsOf } from "./report.ts";
import { statusText } from "./render.ts";
import { watchStatus } from "./watch.ts";
import { hasLogs } from "../logs/projects.ts";

interface StatusFlags extends LogFlags {
  readonly json?: boolean;
  readonly watch?: number | true;
  readonly failIfOlder?: number;
  readonly failIfDeadLetters?: boolean;
}

/** Ms between two looks of `--watch`. */
const WATCH_MS = 1_000;

/** Makes the command. */
export function statusCommand(context: Context, setCode: (code: number) => void): Command {
  return withLogOptions(describe("status", "Show what waits in the logs, why, and what to do", {
    examples: [
      ["weave-wal status", "what waits here, now"],
      ["weave-wal status --watch", "the same, refreshed every second, with rates"],
      ["weave-wal status --json | jq .pendingRecords", "for programs"],
      ["weave-wal status --fail-if-older 10m --fail-if-dead-letters", "a health check"],
    ],
    notes: "Exit code 1 when a --fail-if-… condition is met, else 0. Nothing on disk is changed.",
  }))
    .option("--json", "one JSON value instead of a table")
    .addOption(
      new Option("--watch [interval]", "refresh in place (default: every second)")
        .argParser(parseDuration).conflicts(["failIfOlder", "failIfDeadLetters"]),
    )
    .option("--fail-if-older <age>", "fail when a record waits longer than this", parseDuration)
    .option("--fail-if-dead-letters", "fail when there are dead letters")
    .action(async (flags: StatusFlags) => setCode(await status(context, flags)));
}

async function status(unguarded: Context, flags: StatusFlags): Promise<number> {
  const settings = commandSettings(unguarded.runtime, flags);
  const root = settings.walDir;
  const context = await guardedContext(unguarded, root);
  const { runtime, terminal, stop } = context;
  const adviceOptions = {
    server: settings.serverUrl,
    ...(flags.dir === undefined ? {} : { dir: flags.dir }),
  };
  const isThere = hasLogs(runtime, root);
  let progress: Progress | null = null;
  let total = 0;
  let done = 0;
  const reporter = new StatusReporter(runtime, root, projectFilter(flags), (bytes) => {
    throwIfStopped(stop);
    progress?.update(done += bytes, total);
  });
  if (flags.watch !== undefined) {
    const everyMs = flags.watch === true ? WATCH_MS : flags.watch;
    return await watchStatus(context, reporter, adviceOptions, everyMs, flags.json ?? false);
  }
  try {
    const report = await reporter.report(async (bytes) => {
      progress = await beginProgress(terminal, runtime.clock, "Counting", total = bytes);
    });
    (progress as Progress | null)?.stop();
    progress = null;
    const advice = adviseOn(report, adviceOptions);
    const text = flags.json
      ? `${JSON.stringify(statusJson(report, advice), null, 2)}\n`
      : isThere
      ? await statusText(report, advice, terminal.out)
      : `No logs yet: ${root}\n`;
    await terminal.out.write(text);
    const { oldest, deadLetters } = totalsOf(report);
    const tooOld = flags.failIfOlder !== undefined && oldest !== null &&
      report.at - oldest > flags.failIfOlder;
    return tooOld || (flags.failIfDeadLetters && deadLetters > 0) ? EXIT.failed : EXIT.ok;
  } finally {
    (progress as Progress | null)?.stop();
  }
}
