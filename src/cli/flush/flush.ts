/**
 * `weave-wal flush`.
 *
 * @module
 */

import type { Command } from "commander";
import { parseDuration } from "../terminal/arguments.ts";
import { commandIds, type Context, guardedContext } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import { flushOnce } from "./once.ts";
import { follow } from "./follow.ts";
import { describe, type LogFlags, projectFilter, withLogOptions } from "../terminal/options.ts";
import { commandSettings } from "../settings.ts";
import {
  type ListenAddress,
  METRICS_ADDRESS,
  parseListenAddress,
} from "../metrics/metrics_server.ts";
import { writerToken } from "../../wal/segment/segment_name.ts";
import {
  type LogOptionFlags,
  refuseWithStream,
  withStreamOption,
} from "../jetstream/log_option.ts";
import { hasLogs } from "../logs/projects.ts";
import { keyDigestOf, pythonLogs } from "../logs/python_logs.ts";

interface FlushFlags extends LogFlags, LogOptionFlags {
  readonly server?: string;
  readonly follow?: boolean;
  readonly timeout?: number;
  readonly grace?: number;
  readonly metrics?: ListenAddress | true;
  readonly json?: boolean;
}

/** Ms for which `--follow` continues sending after it was asked to end. */
const GRACE_MS = 10_000;

const NOTES =
  `Sends to WF_TRACE_SERVER_URL with WANDB_API_KEY (or ~/.netrc). Logs for other servers are not sent.
Segments that another process drains are waited for, not taken over; that process is asked to try
now, even if the server has rejected it.

Exit code 0 if all records that were pending for the server are delivered. 1 if the time ran out, the
server rejects the requests, records became dead letters, or a process cannot send what only it may
send: it does not respond, or has records only in its memory. --follow ends with 0 on SIGTERM.`;

/** Creates the command. */
export function flushCommand(context: Context, setCode: (code: number) => void): Command {
  const command = describe("flush", "Send pending records, once or continuously", {
    examples: [
      ["weave-wal flush", "send everything that is pending"],
      ["weave-wal flush --timeout 30s --project acme/chat", "one project, for at most 30 seconds"],
      ["weave-wal flush --follow", "keep sending, for write-only programs"],
      ["weave-wal flush --follow --metrics", "the same, with metrics for Prometheus"],
      ["weave-wal flush --follow --log nats://n1,n2,n3", "a sender of a relay's stream"],
    ],
    notes: NOTES,
  });
  withLogOptions(command, "trace server to send to (default: WF_TRACE_SERVER_URL)");
  return withStreamOption(command)
    .option("--timeout <time>", "stop after this long; the rest stays on disk", parseDuration)
    .option("--follow", "keep sending, including projects that appear later")
    .option(
      "--grace <time>",
      "with --follow: keep sending this long after SIGTERM (default: 10s)",
      parseDuration,
    )
    .option(
      "--metrics [address]",
      `with --follow: serve metrics for Prometheus at /metrics (default: ${METRICS_ADDRESS})`,
      parseListenAddress,
    )
    .option("--json", "print JSON at the end; with --follow, one line per event")
    .action(async (flags: FlushFlags) => setCode(await flush(context, flags)));
}

async function flush(unguarded: Context, flags: FlushFlags): Promise<number> {
  if (flags.follow && flags.timeout !== undefined) {
    throw new CommandError(
      "Cannot use --timeout with --follow, which runs until it is stopped; --grace limits its end",
    );
  }
  if (!flags.follow && flags.grace !== undefined) {
    throw new CommandError("Cannot use --grace without --follow");
  }
  if (!flags.follow && flags.metrics !== undefined) {
    throw new CommandError("Cannot use --metrics without --follow", {
      hint: "weave-wal status --openmetrics prints the metrics once",
    });
  }
  const settings = commandSettings(unguarded.runtime, flags, "needed");
  if (flags.log !== undefined) {
    refuseWithStream({ ...flags }, ["dir", "entity", "project"]);
    const { flushStream, followStream } = await import("../jetstream/flush_stream.ts");
    const job = { context: unguarded, settings, log: flags.log, json: flags.json ?? false };
    return flags.follow
      ? await followStream(job, flags.grace ?? GRACE_MS, metricsAddress(flags))
      : await flushStream(job, flags.timeout);
  }
  const python = pythonLogs(unguarded.runtime, settings);
  const context = await guardedContext(unguarded, settings.walDir, python.pythonRoot);
  const { runtime } = context;
  hasLogs(runtime, settings.walDir);
  const newId = commandIds(runtime);
  const job = {
    context,
    settings,
    filter: {
      ...projectFilter(flags),
      ...python,
      // Logs written with another key must be sent with that key.
      ...(settings.apiKey === undefined ? {} : { keyDigest: keyDigestOf(settings.apiKey) }),
    },
    token: writerToken(newId(), settings.serverUrl),
    newId,
    json: flags.json ?? false,
  };
  return flags.follow
    ? await follow(job, flags.grace ?? GRACE_MS, metricsAddress(flags))
    : await flushOnce(job, flags.timeout);
}

function metricsAddress({ metrics }: FlushFlags): ListenAddress | null {
  return metrics === true ? parseListenAddress(METRICS_ADDRESS) : metrics ?? null;
}
