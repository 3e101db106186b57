/**
 * `weave-wal status`.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { parseDuration } from "../terminal/arguments.ts";
import { type Context, throwIfStopped } from "../context.ts";
import { CommandError, EXIT } from "../exit_codes.ts";
import { describe, withLogOptions } from "../terminal/options.ts";
import { printable } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { adviceOptions, adviseOn } from "./advice.ts";
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
import { rootLine, statusText } from "./render.ts";
import { watchStatus } from "./watch.ts";
import { type OpenLog, type StoreFlags, withLog } from "../logs/with_log.ts";
import { withStreamOption } from "../jetstream/log_option.ts";

interface StatusFlags extends StoreFlags, CheckFlags {
  readonly json?: boolean;
  readonly openmetrics?: boolean;
  readonly watch?: number | true;
}

const NOTES =
  `Exit code 1 if a --fail-if-… condition is met; 2 if there is no log to check in --dir, or of --entity
and --project. Changes nothing on disk.`;

/** Ms between two reports of `--watch`. */
const WATCH_MS = 1_000;

/** Creates the command. */
export function statusCommand(context: Context, setCode: (code: number) => void): Command {
  const command = withStreamOption(withLogOptions(
    describe("status", "Show what is pending, why, and what to do about it", {
      examples: [
        ["weave-wal status", "the logs of the working directory"],
        ["weave-wal status --watch", "the same with rates, refreshed every second"],
        ["weave-wal status --json | jq .pendingRecords", "one number, for a script"],
        ["weave-wal status --openmetrics", "metrics for Prometheus"],
        ["weave-wal status --fail-if-older 10m --fail-if-dropped", "a health check"],
        ["weave-wal status --log nats://n1,n2,n3", "a relay's stream"],
      ],
      notes: NOTES,
    }),
  ))
    .option("--json", "print JSON instead of a table")
    .addOption(
      new Option("--openmetrics", "print metrics as OpenMetrics text instead of a table")
        .conflicts(["json", "watch"]),
    )
    .addOption(
      new Option("--watch [interval]", "refresh in place (default: every second)")
        .argParser(parseDuration).conflicts([...CHECK_FLAGS]),
    );
  return withChecks(command).action(async (flags: StatusFlags) =>
    setCode(await withLog(context, flags, (log) => status(flags, log)))
  );
}

async function status(
  flags: StatusFlags,
  log: OpenLog,
): Promise<number> {
  const { context: { terminal, stop }, filter, store } = log;
  const { place } = store;
  const options = adviceOptions(log, flags);
  const missing = await store.missing(filter);
  // A check of a directory or a project that is mistyped must not pass.
  if (missing !== null && isCheck(flags)) throw new CommandError(missing.message, missing);
  const reporter = store.status(filter, () => throwIfStopped(stop));
  if (flags.watch !== undefined) {
    const everyMs = flags.watch === true ? WATCH_MS : flags.watch;
    return await watchStatus(log.context, reporter, options, everyMs, flags.json ?? false);
  }
  const isText = !flags.json && !flags.openmetrics && missing === null;
  if ((flags.json || flags.openmetrics) && missing !== null && store.isThere()) {
    await terminal.err.write(terminal.err.colors.yellow(`${missing.message}\n${missing.hint}\n`));
  }
  // There may be 100,000 files: people see at once that something happens, and where.
  if (isText) await terminal.out.write(rootLine(place, terminal.out.colors));
  const report = await reporter.report();
  const advice = adviseOn(report, options);
  const checks = runChecks(report, flags);
  if (flags.openmetrics) {
    await writeJson(terminal.out, statusMetrics(report).text("openmetrics"));
  } else if (flags.json) {
    const value = statusJson(report, advice, checks);
    await writeJson(terminal.out, `${JSON.stringify(value, null, 2)}\n`);
  } else {
    await terminal.out.write(
      missing === null || report.projects.length > 0
        ? await statusText(report, advice, terminal.out, { isBegun: isText })
        : missingText(missing, store.isThere(), place),
    );
  }
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
