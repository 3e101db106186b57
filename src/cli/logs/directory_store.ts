/**
 * The logs below one root, as the commands read them.
 *
 * @module
 */

import type { Runtime } from "../../runtime/runtime.ts";
import { DirectoryDeadLetters } from "../dead_letters/directory_source.ts";
import { StatusReporter } from "../status/state/directory_status.ts";
import type { OnProgress } from "../status/report.ts";
import { DirectoryVerifier } from "../verify/directory_verifier.ts";
import type { VerifyScope } from "../verify/log_verifier.ts";
import { isThere } from "./log_files.ts";
import type { LogPart } from "./log_part.ts";
import { segmentParts } from "./segment_parts.ts";
import type { LogStore, MissingLogs } from "./log_store.ts";
import { hasLogs, type LogFilter, missingLogs } from "./projects.ts";

/** A directory of logs. */
export class DirectoryStore implements LogStore {
  readonly place: string;
  readonly partKind = "log file";
  readonly deadLetters: DirectoryDeadLetters;
  readonly #runtime: Runtime;

  /**
   * @param root Directory of all logs.
   * @param pythonRoot Directory of the Python SDK's logs, looked at beside it.
   */
  constructor(runtime: Runtime, root: string, pythonRoot: string | undefined) {
    this.place = root;
    this.deadLetters = new DirectoryDeadLetters(runtime, root, pythonRoot);
    this.#runtime = runtime;
  }

  isThere(): boolean {
    return hasLogs(this.#runtime, this.place);
  }

  parts(path: string | undefined, filter: LogFilter): Promise<LogPart[]> {
    return segmentParts(this.#runtime, path, this.place, filter);
  }

  hasPath(path: string): boolean {
    return isThere({ runtime: this.#runtime }, path);
  }

  status(filter: LogFilter, onProgress: OnProgress): StatusReporter {
    return new StatusReporter(this.#runtime, this.place, filter, onProgress);
  }

  verifier(scope: VerifyScope): Promise<DirectoryVerifier> {
    return DirectoryVerifier.open(this.#runtime, this.place, scope);
  }

  missing(filter: LogFilter): Promise<MissingLogs | null> {
    return missingLogs(this.#runtime, this.place, filter);
  }
}
