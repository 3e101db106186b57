/**
 * `weave-wal relay`.
 *
 * @module
 */

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseCount, parseDuration, parseOneOf, parseWord } from "../terminal/arguments.ts";
import { quoted } from "../terminal/format.ts";
import { describe } from "../terminal/options.ts";
import { parseListenAddress } from "../metrics/metrics_server.ts";
import { type Context, guardedContext } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import { commandSettings } from "../settings.ts";
import { optionOf, withStreamOption } from "../jetstream/log_option.ts";
import type { RelayFlags } from "./relay_flags.ts";

/** The standard port of OTLP over HTTP. */
const DEFAULT_PORT = 4318;
const FSYNC = ["group", "interval", "never"];
/** Size limit of the trace server, in MiB. */
const MAX_REQUEST_MIB = 32;

const NOTES =
  `Accepts the writes of all Weave SDKs, and spans over OTLP/HTTP at /v1/traces, /otel/v1/traces and
/agents/otel/v1/traces. Writes them to the log, responds, and sends the log to WF_TRACE_SERVER_URL
with WANDB_API_KEY. Reads are forwarded. A program needs only WF_TRACE_SERVER_URL=http://127.0.0.1:4318.

A response means that the records are on stable storage; requests that arrive together share one
data sync (--fsync group). If the disk or the quota is full, writes are refused with 503 and
Retry-After.

Any address other than loopback requires --token-file: callers send one of its tokens in place of an
API key. Also serves GET /healthz, /readyz and /metrics. Ends with 0 on SIGTERM.`;

/** Creates the command. */
export function relayCommand(context: Context, setCode: (code: number) => void): Command {
  const command = describe("relay", "Write data from programs in any language to the log", {
    examples: [
      ["weave-wal relay", "for programs on this machine"],
      ["weave-wal relay --listen 0.0.0.0:4318 --token-file tokens", "for other machines"],
      [
        "weave-wal relay --log nats://n1,n2,n3 --replicas 3",
        "with a log that survives this machine",
      ],
    ],
    notes: NOTES,
  });
  return withStreamOption(command)
    .addOption(
      new Option("--listen <address>", "address and port to listen on")
        .argParser(parseListenAddress)
        .default({ hostname: "127.0.0.1", port: DEFAULT_PORT }, `127.0.0.1:${DEFAULT_PORT}`),
    )
    .option("--dir <directory>", "directory of all logs (default: WEAVE_WAL_DIR, or .weave/wal)")
    .option("--server <url>", "trace server to send to (default: WF_TRACE_SERVER_URL)")
    .option(
      "--fsync <policy>",
      "sync before the response (group), in the background (interval), or never",
      parsePolicy,
      "group",
    )
    .option("--token-file <file>", "file with the tokens of callers, one per line")
    .option("--tls-cert <file>", "listen with TLS: certificate chain, in PEM")
    .option("--tls-key <file>", "listen with TLS: private key, in PEM")
    .option("--project <entity/project>", "project of spans that do not name one", parseWord)
    .option("--no-redact", "do not replace secrets in requests and spans")
    .option("--max-request <MiB>", "maximum size of a request", parseCount, MAX_REQUEST_MIB)
    .option("--max-requests <count>", "maximum number of requests in progress", parseCount, 1_000)
    .option(
      "--max-connections <count>",
      "maximum number of connections (default: 10000 on Node; on Deno and Bun, connections are " +
        "limited only with this option, which selects the slower server of node:http)",
      parseCount,
    )
    .addOption(
      new Option("--grace <time>", "keep sending this long after SIGTERM")
        .argParser(parseDuration).default(10_000, "10s"),
    )
    .option("--json", "print one line of JSON per event")
    .option(
      "--spool <on|off>",
      "with --log: while the stream is unreachable, write to disk (on) or refuse writes (off)",
      parseOneOf(["on", "off"]),
      "on",
    )
    .option(
      "--partitions <count>",
      "with --log: number of partitions of a new stream (default: 4)",
      parseCount,
    )
    .option(
      "--replicas <count>",
      "with --log: number of copies of each record (default: 1)",
      parseCount,
    )
    .option("--max-log <GiB>", "with --log: maximum size of the stream (default: 10)", parseCount)
    .option(
      "--max-dead-letters <GiB>",
      "with --log: maximum size of the stream of dead letters (default: 1)",
      parseCount,
    )
    .option("--subject-prefix <prefix>", "with --log: first part of subjects (default: weave-wal)")
    .option("--dry-run", "with --log: print what would be created or changed, and end")
    .action(async (flags: RelayFlags) => setCode(await relay(context, flags)));
}

async function relay(unguarded: Context, flags: RelayFlags): Promise<number> {
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new CommandError("Cannot listen with TLS: --tls-cert and --tls-key are needed together");
  }
  const { log, ...rest } = flags;
  if (log === undefined) {
    const only = [
      "partitions",
      "replicas",
      "maxLog",
      "maxDeadLetters",
      "subjectPrefix",
      "dryRun",
    ] as const;
    const used = only.find((name) => rest[name] !== undefined);
    if (used !== undefined) throw new CommandError(`Cannot use ${optionOf(used)} without --log`);
  } else {
    if (flags.fsync !== "group") {
      throw new CommandError("Cannot use --fsync with --log: a response waits for the stream");
    }
    if (flags.dryRun) {
      const { printPlan } = await import("../jetstream/relay_stream.ts");
      return await printPlan(unguarded, commandSettings(unguarded.runtime, flags), {
        ...flags,
        log,
      });
    }
  }
  const settings = commandSettings(unguarded.runtime, flags, "needed");
  const context = await guardedContext(unguarded, settings.walDir);
  const { runRelay } = await import("./run_relay.ts");
  return await runRelay(context, settings, flags);
}

function parsePolicy(text: string): string {
  if (FSYNC.includes(text)) return text;
  throw new InvalidArgumentError(`${quoted(text)} is not one of ${FSYNC.join(", ")}.`);
}
