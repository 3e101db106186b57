/**
 * `weave-wal relay`.
 *
 * @module
 */

import { type Command, InvalidArgumentError } from "commander";
import { parseCount, parseDuration, parseOneOf, parseWord } from "../terminal/arguments.ts";
import { quoted } from "../terminal/format.ts";
import { describe } from "../terminal/options.ts";
import { parseListenAddress } from "../metrics/metrics_server.ts";
import { type Context, guardedContext } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import { commandSettings } from "../settings.ts";
import { optionOf, withStreamOption } from "../stream/log_option.ts";
import type { RelayFlags } from "./relay_flags.ts";

/** The standard port of OTLP over HTTP. */
const DEFAULT_PORT = 4318;
const FSYNC = ["group", "interval", "never"];
/** Size limit of the trace server, in MiB. */
const MAX_REQUEST_MIB = 32;

const NOTES =
  `Accepts the writes of every Weave SDK (WF_TRACE_SERVER_URL=http://127.0.0.1:4318) and spans over
OTLP/HTTP (/v1/traces, /otel/v1/traces, /agents/otel/v1/traces), writes them to the log and responds.
The log is sent to WF_TRACE_SERVER_URL with WANDB_API_KEY. Reads are forwarded.

A response means that the records are on stable storage; requests that arrive together share one
sync (--fsync group). If the disk or the quota is full, requests are refused with 503 and Retry-After.

Any address other than loopback requires --token-file: callers send one of its tokens instead of an
API key. GET /healthz, /readyz, /metrics. Ends with 0 on SIGTERM.`;

/** Creates the command. */
export function relayCommand(context: Context, setCode: (code: number) => void): Command {
  const command = describe("relay", "Record writes of programs in any language in the log", {
    examples: [
      ["weave-wal relay", "for programs on this machine, on 127.0.0.1:4318"],
      ["weave-wal relay --listen 0.0.0.0:4318 --token-file tokens", "for other machines"],
      ["weave-wal relay --log nats://n1,n2,n3 --replicas 3", "a log that outlives this machine"],
    ],
    notes: NOTES,
  });
  return withStreamOption(command)
    .option("--listen <address>", "address and port to listen on", parseListenAddress, {
      hostname: "127.0.0.1",
      port: DEFAULT_PORT,
    })
    .option("--dir <directory>", "directory of all logs (default: WEAVE_WAL_DIR, .weave/wal)")
    .option("--server <url>", "trace server to send to (default: WF_TRACE_SERVER_URL)")
    .option(
      "--fsync <policy>",
      "sync before a response (group), in the background (interval), or never",
      parsePolicy,
      "group",
    )
    .option("--token-file <file>", "accepted tokens of callers, one per line")
    .option("--tls-cert <file>", "certificate chain in PEM: listen with TLS")
    .option("--tls-key <file>", "private key of the certificate, in PEM")
    .option("--project <entity/project>", "project of spans that name none", parseWord)
    .option("--no-redact", "record secrets in requests and spans as they are given")
    .option("--max-request <MiB>", "largest request", parseCount, MAX_REQUEST_MIB)
    .option("--max-requests <count>", "requests processed at once", parseCount, 1_000)
    .option(
      "--max-connections <count>",
      "limit of connections; on Deno and Bun with the slower server of node:http (default: " +
        "10,000 on Node, and open requests elsewhere)",
      parseCount,
    )
    .option(
      "--grace <time>",
      "go on sending this long after SIGTERM (default: 10s)",
      parseDuration,
      10_000,
    )
    .option("--json", "one line of JSON an event")
    .option(
      "--spool <on|off>",
      "with --log: write to the disk while the stream cannot be reached, or refuse",
      parseOneOf(["on", "off"]),
      "on",
    )
    .option(
      "--partitions <count>",
      "with --log: partitions of a new stream (default: 4)",
      parseCount,
    )
    .option("--replicas <count>", "with --log: copies of each record (default: 1)", parseCount)
    .option("--max-log <GiB>", "with --log: size of the stream (default: 10)", parseCount)
    .option(
      "--max-dead-letters <GiB>",
      "with --log: size of the stream of dead letters (default: 1)",
      parseCount,
    )
    .option("--subject-prefix <prefix>", "with --log: first part of subjects (default: weave-wal)")
    .option("--dry-run", "with --log: print what would be made and changed, and end")
    .action(async (flags: RelayFlags) => setCode(await relay(context, flags)));
}

async function relay(unguarded: Context, flags: RelayFlags): Promise<number> {
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw new CommandError("Cannot use --tls-cert without --tls-key, or the other way round");
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
      const { printPlan } = await import("../stream/relay_stream.ts");
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
