/**
 * `weave-wal dead-letters`.
 *
 * @module
 */

import type { Command } from "commander";
import { isSentAgain } from "../../delivery/dead_letters/retry_dead_letters.ts";
import { RECORD_TYPES } from "../../protocol/record_types.ts";
import { collect, parseCount, parseDuration, parseOneOf } from "../terminal/arguments.ts";
import type { Context } from "../context.ts";
import { type IndexedDeadLetter, readIndex } from "./index.ts";
import { dropDeadLetters } from "./drop.ts";
import { listAll, listGroups } from "./list.ts";
import { retrySelected } from "./retry.ts";
import { exportDeadLetters, showDeadLetter } from "./show.ts";
import { CommandError } from "../exit_codes.ts";
import { withStreamOption } from "../jetstream/log_option.ts";
import { describe, withLogOptions } from "../terminal/options.ts";
import { commandSettings } from "../settings.ts";
import { type OpenLog, type StoreFlags, withLog } from "../logs/with_log.ts";

interface DeadLetterFlags extends StoreFlags {
  readonly reason?: string[];
  readonly type?: string[];
  readonly status?: number[];
  readonly json?: boolean;
  readonly all?: boolean;
  readonly output?: string;
  readonly timeout?: number;
  readonly yes?: boolean;
}

type SetCode = (code: number) => void;

/** Reasons for dead-lettering a record; `unknown` if another program's dead letter has none. */
const REASONS = ["refused", "unsendable", "corrupt", "torn", "oversize", "unknown"];

/** Creates the command. */
export function deadLettersCommand(context: Context, setCode: SetCode): Command {
  return describe("dead-letters", "List, show, retry, export and drop dead letters", {
    examples: [
      ["weave-wal dead-letters list", "dead letters, grouped by reason"],
      ["weave-wal dead-letters show 1", "one dead letter, complete"],
      ["weave-wal dead-letters retry", "send all rejected records again"],
      ["weave-wal dead-letters list --log nats://n1,n2,n3", "those of a relay's stream"],
    ],
    notes:
      "A dead letter is a record that the server rejected or that is not valid. It stays until you\n" +
      "retry or drop it. Commands take the numbers or the IDs that `list --all` shows; numbers change\n" +
      "when other dead letters are removed, IDs do not.",
  })
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(retryCommand(context, setCode))
    .addCommand(exportCommand(context))
    .addCommand(dropCommand(context, setCode));
}

function listCommand(context: Context): Command {
  return withFilter(describe("list", "List dead letters, grouped by reason", {
    examples: [
      ["weave-wal dead-letters list", "one line per reason"],
      ["weave-wal dead-letters list --all --status 400", "one line per dead letter"],
    ],
  }))
    .option("--all", "print one line per dead letter")
    .option("--json", "print JSON; with --all, one line per dead letter")
    .action(async (flags: DeadLetterFlags) => {
      const list = flags.all ? listAll : listGroups;
      await withLog(
        context,
        flags,
        (log) => list(log.context, deadLettersOf(log, [], flags), flags.json ?? false),
      );
    });
}

function showCommand(context: Context): Command {
  return withStreamOption(withLogOptions(describe("show", "Show one complete dead letter", {
    examples: [[
      "weave-wal dead-letters show 3",
      "the reason, the server's message and the request",
    ]],
  })))
    .argument("<name>", "number or ID")
    .option("--json", "print one line of JSON, with the request byte for byte")
    .action(async (name: string, flags: DeadLetterFlags) => {
      await withLog(context, flags, async (log) => {
        for await (const deadLetter of deadLettersOf(log, [name], flags)) {
          await showDeadLetter(log.context, log.store.deadLetters, deadLetter, flags.json ?? false);
        }
      });
    });
}

function retryCommand(context: Context, setCode: SetCode): Command {
  const command = describe("retry", "Send dead letters again; those that fail again stay", {
    examples: [
      ["weave-wal dead-letters retry", "all rejected records"],
      ["weave-wal dead-letters retry 1 2 --timeout 30s", "two of them"],
    ],
    notes:
      "Dead letters for other servers are sent only if you name them. Exit code 0 if the server\n" +
      "accepted all of them, 1 otherwise.",
  });
  return withFilter(command, "trace server to send to (default: WF_TRACE_SERVER_URL)")
    .argument(
      "[names...]",
      "numbers or IDs (default: all rejected records, and those of the Python SDK)",
    )
    .option("--timeout <time>", "stop after this long; the rest stays", parseDuration)
    .option("--json", "print JSON at the end")
    .action(async (names: string[], flags: DeadLetterFlags) => {
      const settings = commandSettings(context.runtime, flags, "needed");
      await withLog(context, flags, async (log) => {
        // Here, --server is the destination. Dead letters for other servers are skipped unless
        // named.
        const { server: _, ...filter } = log.filter;
        const chosen = deadLettersOf({ ...log, filter }, names, flags);
        const deadLetters = names.length > 0 || flags.reason ? chosen : sentAgain(chosen);
        const job = {
          settings,
          timeoutMs: flags.timeout,
          json: flags.json ?? false,
          named: names.length > 0,
        };
        setCode(await retrySelected(log.context, log.store.deadLetters, deadLetters, job));
      });
    });
}

function exportCommand(context: Context): Command {
  return withFilter(describe("export", "Write dead letters as JSON lines", {
    examples: [
      ["weave-wal dead-letters export > dead_letters.jsonl", "all of them"],
      ["weave-wal dead-letters export --status 422 --output bad.jsonl", "to a file of mode 0600"],
    ],
    notes:
      "Each line contains the request byte for byte (`req`), or the bytes of an invalid record (`base64`).",
  }))
    .argument("[names...]", "numbers or IDs (default: all)")
    .option("--output <file>", "write to this new file instead of standard output")
    .action(async (names: string[], flags: DeadLetterFlags) => {
      await withLog(context, flags, (log) => {
        const deadLetters = deadLettersOf(log, names, flags);
        return exportDeadLetters(log.context, log.store.deadLetters, deadLetters, flags.output);
      });
    });
}

function dropCommand(context: Context, setCode: SetCode): Command {
  return withFilter(describe("drop", "Permanently delete dead letters, after confirmation", {
    examples: [
      ["weave-wal dead-letters drop 3", "one dead letter"],
      [
        "weave-wal dead-letters drop --status 422 --yes",
        "all with this status, without confirmation",
      ],
    ],
    notes:
      "Requires a selection: names, --reason, --type, --status or --all. Exit code 1 if you answer no.",
  }))
    .argument("[names...]", "numbers or IDs")
    .option("--all", "all dead letters that match the other options")
    .option("--yes", "do not ask for confirmation")
    .action(async (names: string[], flags: DeadLetterFlags) => {
      const { all, reason, type, status } = flags;
      if (names.length === 0 && !all && !reason && !type && !status) {
        throw new CommandError(
          "Cannot drop dead letters without a selection: give numbers, --reason, --type or --status",
          {
            hint: "--all selects all of them",
          },
        );
      }
      await withLog(context, flags, async (log) => {
        const deadLetters = deadLettersOf(log, names, flags);
        const { context, store } = log;
        setCode(
          await dropDeadLetters(context, store.deadLetters, deadLetters, flags.yes ?? false),
        );
      });
    });
}

/** Those that are sent again unless others are chosen. */
export async function* sentAgain(
  deadLetters: AsyncIterable<IndexedDeadLetter>,
): AsyncGenerator<IndexedDeadLetter> {
  for await (const deadLetter of deadLetters) if (isSentAgain(deadLetter.entry)) yield deadLetter;
}

function withFilter(command: Command, server?: string): Command {
  return withStreamOption(withLogOptions(command, server))
    .option(
      "--reason <reason>",
      `only with these reasons: ${REASONS.join(", ")}`,
      collect(parseOneOf(REASONS)),
    )
    .option(
      "--type <type>",
      "only records of these types",
      collect(parseOneOf([...RECORD_TYPES, "unreadable"])),
    )
    .option(
      "--status <status>",
      "only those rejected with these HTTP statuses",
      collect(parseCount),
    );
}

function deadLettersOf(
  { store, filter }: OpenLog,
  names: readonly string[],
  { reason, type, status }: DeadLetterFlags,
): AsyncGenerator<IndexedDeadLetter> {
  return readIndex(store.deadLetters, {
    ...filter,
    names: names.map((name) => name.replace(/^#/, "")),
    ...(reason ? { reasons: reason } : {}),
    ...(type ? { types: type } : {}),
    ...(status ? { statuses: status } : {}),
  });
}
