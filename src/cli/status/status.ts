/**
 * `weave-wal status`.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { parseDuration } from "../terminal/arguments.ts";
import { type Context, guardedContext, throwIfStopped } from "../context.ts";
import { CommandError, EXIT } from "../exit_codes.ts";
import { describe, logFilter, type LogFlags, withLogOptions } from "../terminal/options.ts";
import { printable } from "../terminal/format.ts";
import { commandSettings } from "../settings.ts";
import { adviseOn } from "./advice.ts";
import { statusMetrics } from "../metrics/status_metrics.ts";
import { statusJson } from "./json.ts";
import {
  CHECK_FLAGS,
  type CheckFlags,
  checksText,
  isCheck,
  runChecks,
  withChecks,
} from "./checks.ts";
import { StatusReporter } from "./report.ts";
import { rootLine, statusText } from "./render.ts";
import { watchStatus } from "./watch.ts";
import { hasLogs, missingLogs } from "../logs/projects.ts";
import { keyDigestOf, pythonLogs } from "../logs/python_logs.ts";

interface StatusFlags extends LogFlags, CheckFlags {
  readonly json?: boolean;
  readonly openmetrics?: boolean;
  readonly watch?: number | true;
}

const NOTES =
  `Exit code 1 if a --fail-if-… condition is met, 2 if --dir or --project name no log for a check to
look at. Nothing on disk is changed.`;

/** Ms between two reports of `--watch`. */
const WATCH_MS = 1_000;

/** Creates the command. */
export function statusCommand(context: Context, setCode: (code: number) => void): Command {
  const command = withLogOptions(
    describe("status", "Show what is pending in the logs, why, and what to do", {
      examples: [
        ["weave-wal status", "what is pending here, now"],
        ["weave-wal status --watch", "the same, refreshed every second, with rates"],
        ["weave-wal status --json | jq .pendingRecords", "for programs"],
        ["weave-wal status --openmetrics", "for Prometheus"],
        ["weave-wal status --fail-if-older 10m --fail-if-dropped", "a health check"],
      ],
      notes: NOTES,
    }),
  )
    .option("--json", "one JSON value instead of a table")
    .addOption(
      new Option("--openmetrics", "metrics as OpenMetrics text instead of a table")
        .conflicts(["json", "watch"]),
    )
    .addOption(
      new Option("--watch [interval]", "refresh in place (default: every second)")
        .argParser(parseDuration).conflicts([...CHECK_FLAGS]),
    );
  return withChecks(command).action(async (flags: StatusFlags) =>
    setCode(await status(context, flags))
  );
}

async function status(unguarded: Context, flags: StatusFlags): Promise<number> {
  const settings = commandSettings(unguarded.runtime, flags);
  const root = settings.walDir;
  const python = pythonLogs(unguarded.runtime, settings);
  const context = await guardedContext(unguarded, root, python.pythonRoot);
  const { runtime, terminal, stop } = context;
  const adviceOptions = {
    server: settings.serverUrl,
    ...python,
    ...(settings.apiKey === undefined ? {} : { keyDigest: keyDigestOf(settings.apiKey) }),
    ...(flags.dir === undefined ? {} : { dir: flags.dir }),
  };
  const filter = { ...logFilter(flags, settings), ...python };
  const missing = missingLogs(runtime, root, filter);
  // A check of a mistyped directory or project must not pass.
  if (missing !== null && isCheck(flags)) throw new CommandError(missing.message, missing);
  const reporter = new StatusReporter(runtime, root, filter, () => throwIfStopped(stop));
  if (flags.watch !== undefined) {
    const everyMs = flags.watch === true ? WATCH_MS : flags.watch;
    return await watchStatus(context, reporter, adviceOptions, everyMs, flags.json ?? false);
  }
  const isText = !flags.json && !flags.openmetrics && missing === null;
  // There may be 100,000 files: print the directory first, so that users see progress.
  if (isText) await terminal.out.write(rootLine(root, terminal.out.colors));
  const report = await reporter.report();
  const advice = adviseOn(report, adviceOptions);
  const checks = runChecks(report, flags);
  const text = flags.openmetrics
    ? statusMetrics(report).text("openmetrics")
    : flags.json
    ? `${JSON.stringify(statusJson(report, advice, checks), null, 2)}\n`
    : missing === null || report.projects.length > 0
    ? await statusText(report, advice, terminal.out, { isBegun: isText })
    : missingText(missing, hasLogs(runtime, root), root);
  await terminal.out.write(text);
  const failed = checksText(checks);
  if (failed !== "") await terminal.err.write(terminal.err.colors.red(failed));
  return failed === "" ? EXIT.ok : EXIT.failed;
}

function missingText(
  { message, hint }: { message: string; hint: string },
  isThere: boolean,
  root: string,
): string {
  return isThere ? `${message}\n  ${hint}\n` : `No logs yet: ${printable(root)}\n`;
}
