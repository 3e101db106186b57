/**
 * `weave-wal verify`.
 *
 * @module
 */

import type { Command } from "commander";
import { commandIds, type Context } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { type OpenLog, type StoreFlags, withLog } from "../logs/with_log.ts";
import { withStreamOption } from "../jetstream/log_option.ts";
import { formatBytes, formatCount, plural, printable } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { describe, withLogOptions } from "../terminal/options.ts";
import { beginProgress } from "../terminal/progress.ts";
import { formatTable } from "../terminal/table.ts";
import type { Output } from "../terminal/terminal.ts";
import { Findings, verdictText } from "./findings.ts";
import type { LogVerifier, VerifyJob } from "./log_verifier.ts";

interface VerifyFlags extends StoreFlags {
  readonly repair?: boolean;
  readonly json?: boolean;
}

const NOTES =
  `Reports corrupt, torn (truncated) and oversize records, invalid checkpoints, orphaned sidecar files and
corrupt dead letters. --repair deletes nothing: corrupt records become dead letters, with their bytes
in <log>.quarantine, and files are moved to .quarantine/ beside the log. Files in use by a running
process are not changed: its sender dead-letters corrupt records itself.

With --log, verifies the records of all partitions, the dead letters, the leases and senders, and the
settings and replicas of the streams. Offsets are positions of messages. --repair is only for
directories: senders of a stream dead-letter corrupt records themselves.

Exit code 0 if there are no problems, or all were repaired; 1 otherwise.`;

/** Creates the command. */
export function verifyCommand(context: Context, setCode: (code: number) => void): Command {
  return withStreamOption(
    withLogOptions(describe("verify", "Read every byte and report corruption", {
      examples: [
        ["weave-wal verify", "report only, and change nothing"],
        ["weave-wal verify --repair", "move corrupt data out of the way"],
        ["weave-wal verify --json | jq '.problems[].kind'", "kinds of problems, for a script"],
        ["weave-wal verify --log nats://n1,n2,n3", "a relay's stream"],
      ],
      notes: NOTES,
    })),
  )
    .argument("[path]", "file or directory to verify (default: --dir)")
    .option("--repair", "move corrupt data out of the way; deletes nothing")
    .option("--json", "print JSON instead of a table")
    .action(async (path: string | undefined, flags: VerifyFlags) =>
      setCode(await withLog(context, flags, (log) => verify(path, flags, log)))
    );
}

async function verify(
  path: string | undefined,
  flags: VerifyFlags,
  { context, filter, store }: OpenLog,
): Promise<number> {
  const { runtime, terminal } = context;
  const repair = flags.repair ?? false;
  const verifier = await store.verifier({ path, filter, repair });
  const { bytes: total } = verifier;
  const progress = await beginProgress(terminal, runtime.clock, "Verifying", total);
  const findings = new Findings();
  let done = 0;
  const job: VerifyJob = {
    context,
    findings,
    repair,
    token: commandIds(runtime)(),
    onBytes: (bytes) => progress.update(done += bytes, total),
  };
  try {
    await verifier.verify(job);
  } finally {
    progress.stop();
  }
  const { out } = terminal;
  if (flags.json) {
    const value = verifyJson(findings, path ?? store.place);
    await writeJson(out, `${JSON.stringify(value, null, 2)}\n`);
  } else await out.write(await verifyText(findings, verifier, out));
  return findings.total === findings.repaired ? EXIT.ok : EXIT.failed;
}

async function verifyText(
  findings: Findings,
  verifier: LogVerifier,
  output: Output,
): Promise<string> {
  const { colors } = output;
  const { files, records, bytes, total, repaired, list } = findings;
  const verdict = verdictText(findings);
  const summary = `Read ${plural(files, verifier.unit)}, ${plural(records, "valid record")}, ${
    formatBytes(bytes)
  }: ${total === repaired ? colors.green(verdict) : colors.red(verdict)}\n`;
  if (list.length === 0) return summary;
  const rows = list.map((finding) => [
    finding.entity === null ? "" : printable(`${finding.entity}/${finding.project}`),
    printable(finding.file),
    finding.offset === undefined ? "" : String(finding.offset),
    finding.kind,
    printable(
      [finding.message, finding.repaired ?? finding.unrepaired].filter(Boolean).join("; "),
    ),
  ]);
  const unlisted = Math.max(0, total - list.length);
  const more = unlisted === 0 ? "" : `… and ${formatCount(unlisted)} more\n`;
  const remedy = total > repaired ? verifier.remedy(findings) : null;
  const help = remedy === null ? "" : colors.dim(`${remedy}\n`);
  const table = await formatTable(
    [
      { title: "PROJECT" },
      { title: "FILE" },
      { title: "OFFSET", align: "right" },
      { title: "KIND" },
      { title: "WHAT", flexible: true },
    ],
    rows,
    output,
  );
  return `${table}${more}\n${summary}${help}`;
}

function verifyJson(findings: Findings, path: string): unknown {
  const { files, records, bytes, total, repaired, list } = findings;
  return {
    path,
    files,
    records,
    bytes,
    total,
    repaired,
    problems: list,
  };
}
