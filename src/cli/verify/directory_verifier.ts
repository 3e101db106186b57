/**
 * Verifies the logs in a directory: their data, and the files beside it.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { ProcessCache, type SegmentFiles } from "../../wal/orphans/segment_status.ts";
import { findLogs, type LogDirectory, withData } from "../logs/log_files.ts";
import type { ProjectPath } from "../logs/projects.ts";
import type { Findings } from "./findings.ts";
import type { LogVerifier, VerifyJob, VerifyScope } from "./log_verifier.ts";
import { verifySegment } from "./segment.ts";
import { verifySidecars } from "./sidecars.ts";

/** Verifies logs of one root. */
export class DirectoryVerifier implements LogVerifier {
  readonly unit = "log file";
  readonly bytes: number;
  readonly #logs: readonly LogDirectory[];
  readonly #segments: readonly (SegmentFiles & ProjectPath)[];
  /** If a single file was given, only its data is verified, not the files around it. */
  readonly #isSingleFile: boolean;

  private constructor({ files }: Runtime, path: string | undefined, logs: LogDirectory[]) {
    this.#logs = logs;
    this.#segments = withData(logs);
    this.#isSingleFile = path !== undefined && files.stat(path)?.kind === "file";
    this.bytes = this.#segments.reduce(
      (sum, { paths }) => sum + (files.stat(paths.data)?.size ?? 0),
      0,
    );
  }

  /**
   * Finds the logs.
   *
   * @param root Directory of all logs.
   * @throws {CommandError} if there are none.
   */
  static async open(
    runtime: Runtime,
    root: string,
    { path, filter }: VerifyScope,
  ): Promise<DirectoryVerifier> {
    return new DirectoryVerifier(runtime, path, await findLogs(runtime, path, root, filter));
  }

  async verify(job: VerifyJob): Promise<void> {
    const processes = new ProcessCache();
    for (const segment of this.#segments) await verifySegment(job, segment, processes);
    if (this.#isSingleFile) return;
    for (const log of this.#logs) await verifySidecars(job, log);
  }

  remedy({ list }: Findings): string | null {
    return list.some(({ unrepaired }) => unrepaired)
      ? null
      : "weave-wal verify --repair moves corrupt data out of the way";
  }
}
