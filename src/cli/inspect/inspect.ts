/**
 * `weave-wal inspect`.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { RECORD_TYPES } from "../../protocol/record_types.ts";
import {
  collect,
  type Moment,
  momentAt,
  parseCount,
  parseMoment,
  parseOneOf,
  parseWord,
} from "../terminal/arguments.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import { showRecords } from "./records.ts";
import { showTree } from "./tree.ts";
import { type OpenLog, type StoreFlags, withLog } from "../logs/with_log.ts";
import { withStreamOption } from "../stream/log_option.ts";
import { describe, withLogOptions } from "../terminal/options.ts";

interface InspectFlags extends StoreFlags {
  readonly type?: string[];
  readonly call?: string;
  readonly since?: Moment;
  readonly offset?: number;
  readonly limit?: number;
  readonly follow?: boolean;
  readonly tree?: boolean;
  readonly errors?: boolean;
  readonly values?: boolean;
  readonly json?: boolean;
}

/** Default number of rows of a table, and of traces of a tree. */
const DEFAULT_LIMIT = 100;

const NOTES =
  `FILE|DIR is a log file, a project's directory, an entity's, or the root of all logs (the default).
Reading disturbs neither writers nor senders. Times are UTC. With --json each line holds the request
byte for byte. STATE: waiting, sent (before the checkpoint), dead letter. With --log, offsets are positions
of messages in the stream.`;

/** Creates the command. */
export function inspectCommand(context: Context, setCode: (code: number) => void): Command {
  return withStreamOption(
    withLogOptions(describe("inspect", "Read logs: records, or the calls as a trace tree", {
      examples: [
        ["weave-wal inspect", "the oldest records in the logs"],
        ["weave-wal inspect --tree --since 10m", "the calls of the last ten minutes as trees"],
        ["weave-wal inspect --tree --errors --values", "traces with errors, inputs and outputs"],
        ["weave-wal inspect --call 0199f0c2 --json", "all records of one call, for programs"],
        ["weave-wal inspect --follow --type call_end", "calls as they end"],
        ["weave-wal inspect --tree --log nats://n1,n2,n3", "a relay's stream"],
      ],
      notes: NOTES,
    })),
  )
    .argument("[path]", "FILE|DIR to read (default: --dir)")
    .option(
      "--type <type>",
      "only records of this type; several with commas",
      collect(parseOneOf(RECORD_TYPES)),
    )
    .option(
      "--call <id>",
      "only records of this call: its id, or how it begins or ends",
      parseWord,
    )
    .option(
      "--since <time>",
      "only records from then on: 10m, 2h, 2026-05-01T12:00:00Z",
      parseMoment,
    )
    .addOption(
      new Option(
        "--offset <bytes>",
        "begin at this byte offset; needs one FILE, or one project of --log",
      )
        .argParser(parseCount),
    )
    .option(
      "--limit <count>",
      `show so many records, or traces (default: ${DEFAULT_LIMIT}, all with --json; 0: all)`,
      parseCount,
    )
    .addOption(new Option("--follow", "go on showing what is written").conflicts("tree"))
    .option("--tree", "the calls as a tree, newest first, with times, errors and sizes")
    .option("--errors", "with --tree: only traces in which a call failed")
    .option("--values", "with --tree: inputs and outputs too")
    .option("--json", "one line of JSON a record, or a call")
    .action(async (path: string | undefined, flags: InspectFlags) => {
      for (const name of ["errors", "values"] as const) {
        if (!flags[name] || flags.tree) continue;
        throw new CommandError(`Cannot use --${name} without --tree`);
      }
      setCode(await withLog(context, flags, (log) => inspect(path, flags, log)));
    });
}

async function inspect(
  path: string | undefined,
  flags: InspectFlags,
  { context, filter: logs, store }: OpenLog,
): Promise<number> {
  const { runtime } = context;
  const now = runtime.clock.now();
  const limit = flags.limit ?? (flags.json || flags.follow ? 0 : DEFAULT_LIMIT);
  const job = {
    store,
    path,
    logs,
    filter: {
      types: flags.type ?? [],
      ...(flags.call === undefined ? {} : { call: flags.call }),
      ...(flags.since === undefined ? {} : { since: momentAt(flags.since, now) }),
    },
    offset: flags.offset,
    limit: limit === 0 ? Infinity : limit,
    follow: flags.follow ?? false,
    json: flags.json ?? false,
    errors: flags.errors ?? false,
    values: flags.values ?? false,
  };
  return flags.tree ? await showTree(context, job) : await showRecords(context, job);
}
