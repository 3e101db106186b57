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
import { withStreamOption } from "../jetstream/log_option.ts";
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
  `The path is a log file, or the directory of a project, an entity or all logs. Times are UTC. STATE is
pending, sent or dead letter. Lines of --json contain the request byte for byte. With --log, offsets
are positions of messages in the stream. Does not interfere with writers and senders.`;

/** Creates the command. */
export function inspectCommand(context: Context, setCode: (code: number) => void): Command {
  return withStreamOption(
    withLogOptions(describe("inspect", "Show records as a table, or calls as a trace tree", {
      examples: [
        ["weave-wal inspect", "the oldest records in the logs"],
        ["weave-wal inspect --tree --since 10m", "calls of the last ten minutes as trace trees"],
        [
          "weave-wal inspect --tree --errors --values",
          "traces with errors, with inputs and outputs",
        ],
        ["weave-wal inspect --call 0199f0c2 --json", "all records of one call, as JSON"],
        ["weave-wal inspect --follow --type call_end", "calls as they end"],
        ["weave-wal inspect --tree --log nats://n1,n2,n3", "a relay's stream"],
      ],
      notes: NOTES,
    })),
  )
    .argument("[path]", "file or directory to read (default: --dir)")
    .option(
      "--type <type>",
      "only records of these types, separated by commas",
      collect(parseOneOf(RECORD_TYPES)),
    )
    .option(
      "--call <id>",
      "only records of this call: its ID, or the start or end of it",
      parseWord,
    )
    .option(
      "--since <time>",
      "only records since then: 10m, 2h, 2026-05-01T12:00:00Z",
      parseMoment,
    )
    .addOption(
      new Option(
        "--offset <bytes>",
        "start at this byte offset of a single file, or of one project with --log",
      )
        .argParser(parseCount),
    )
    .option(
      "--limit <count>",
      `maximum number of records or traces; 0 for all (default: ${DEFAULT_LIMIT}; all with --json)`,
      parseCount,
    )
    .addOption(new Option("--follow", "keep showing new records").conflicts("tree"))
    .option("--tree", "show calls as trees with durations, errors and sizes, newest first")
    .option("--errors", "with --tree: only traces in which a call failed")
    .option("--values", "with --tree: add inputs and outputs")
    .option("--json", "print one line of JSON per record or call")
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
