/**
 * `weave-wal verify`.
 *
 * @module
 */

import type { Command } from "commander";
import { commandIds, type Context, guardedContext } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { Findings } from "./findings.ts";
import { formatBytes, formatCount, plural, printable } from "../terminal/format.ts";
import { pythonLogs } from "../logs/python_logs.ts";
import { describe, logFilter, type LogFlags, withLogOptions } from "../terminal/options.ts";
import { findLogs, withData } from "../logs/log_files.ts";
import { ProcessCache } from "../../wal/ownership/segment_status.ts";
import { beginProgress } from "../terminal/progress.ts";
import { commandSettings } from "../settings.ts";
import { formatTable } from "../terminal/table.ts";
import type { Output } from "../terminal/terminal.ts";
import { verdictText, type VerifyJob, verifySegment } from "./segment.ts";
import { verifySidecars } from "./sidecars.ts";

interface VerifyFlags extends LogFlags {
  readonly repair?: boolean;
  readonly json?: boolean;
}

const NOTES =
  `Reads every byte of the logs: torn, corrupt and oversize records, checkpoints out of range, orphaned
sidecars, corrupt dead letters. --repair deletes nothing: records go to the dead letters with their
bytes in quarantine, files into .quarantine/ beside the log. What a living process holds is left to
it; its sender dead-letters bad records itself.

Exit code 0 when nothing is wrong or all was repaired, else 1.`;

/** Creates the command. */
export function verifyCommand(context: Context, setCode: (code: number) => void): Command {
  return withLogOptions(describe("verify", "Read everything and report what is corrupt", {
    examples: [
      ["weave-wal verify", "look, and touch nothing"],
      ["weave-wal verify --repair", "put what is bad out of the way"],
      ["weave-wal verify --json | jq '.problems[].kind'", "for programs"],
    ],
    notes: NOTES,
  }))
    .argument("[path]", "FILE|DIR to verify (default: --dir)")
    .option("--repair", "quarantine what is bad; nothing is deleted")
    .option("--json", "one JSON value instead of a table")
    .action(async (path: string | undefined, flags: VerifyFlags) =>
      setCode(await verify(context, path, flags))
    );
}

async function verify(
  unguarded: Context,
  path: string | undefined,
  flags: VerifyFlags,
): Promise<number> {
  const settings = commandSettings(unguarded.runtime, flags);
  const root = settings.walDir;
  const python = pythonLogs(unguarded.runtime, settings);
  const context = await guardedContext(unguarded, root, python.pythonRoot);
  const { runtime, terminal } = context;
  const logs = await findLogs(runtime, path, root, { ...logFilter(flags, settings), ...python });
  const segments = withData(logs);
  const total = segments.reduce(
    (sum, { paths }) => sum + (runtime.files.stat(paths.data)?.size ?? 0),
    0,
  );
  const progress = await beginProgress(terminal, runtime.clock, "Verifying", total);
  const findings = new Findings();
  let done = 0;
  const job: VerifyJob = {
    context,
    findings,
    repair: flags.repair ?? false,
    token: commandIds(runtime)(),
    processes: new ProcessCache(),
    onBytes: (bytes) => progress.update(done += bytes, total),
  };
  try {
    for (const segment of segments) await verifySegment(job, segment);
    // If a single file was given, only its data is verified, not the files around it.
    for (const log of logs) if (!isSingleFile(runtime, path)) await verifySidecars(job, log);
  } finally {
    progress.stop();
  }
  await terminal.out.write(
    flags.json
      ? `${JSON.stringify(verifyJson(findings, path ?? root), null, 2)}\n`
      : await verifyText(findings, terminal.out),
  );
  return findings.total === findings.repaired ? EXIT.ok : EXIT.failed;
}

function isSingleFile({ files }: Context["runtime"], path: string | undefined): boolean {
  return path !== undefined && files.stat(path)?.kind === "file";
}

async function verifyText(findings: Findings, output: Output): Promise<string> {
  const { colors } = output;
  const { files, records, bytes, total, repaired, list } = findings;
  const verdict = verdictText(findings);
  const summary = `Read ${plural(files, "log file")}, ${plural(records, "sound record")}, ${
    formatBytes(bytes)
  }: ${total === repaired ? colors.green(verdict) : colors.red(verdict)}\n`;
  if (list.length === 0) return summary;
  const rows = list.map((finding) => [
    printable(`${finding.entity}/${finding.project}`),
    printable(finding.file),
    finding.offset === undefined ? "" : String(finding.offset),
    finding.kind,
    printable(
      [finding.message, finding.repaired ?? finding.unrepaired].filter(Boolean).join("; "),
    ),
  ]);
  const unlisted = Math.max(0, total - list.length);
  const more = unlisted === 0 ? "" : `… and ${formatCount(unlisted)} more\n`;
  const help = total > repaired && !list.some(({ unrepaired }) => unrepaired)
    ? colors.dim("weave-wal verify --repair puts what is bad out of the way\n")
    : "";
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
