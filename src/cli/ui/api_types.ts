/**
 * JSON responses of the server of `weave-wal ui`. Times are epoch ms, sizes are in bytes.
 *
 * @module
 */

/** `GET api/status`. */
export interface StatusView {
  readonly version: string;
  /** Root directory of all logs, or the address of a stream. */
  readonly place: string;
  /** Base URL of the server in the settings, to which dead letters are sent again. */
  readonly server: string;
  /** `null` until the first report is complete. */
  readonly report: ReportView | null;
  /** Segments counted so far and in total for the report in progress; `null` if there is none. */
  readonly progress: { readonly done: number; readonly total: number } | null;
  /** Why no report can be created; `null` if it can. */
  readonly error: string | null;
  /** Samples after the requested time. */
  readonly samples: readonly Sample[];
  readonly retry: RetryView | null;
}

/** A report on all logs, of bounded size. */
export interface ReportView {
  readonly at: number;
  /** Kind of the parts of a log. */
  readonly unit: "file" | "partition";
  /** Whether the root directory of all logs exists. */
  readonly hasLogs: boolean;
  readonly totals: TotalsView;
  /** The projects with the most pending bytes. */
  readonly projects: readonly ProjectView[];
  readonly writers: readonly WriterView[];
  readonly senders: readonly SenderView[];
  readonly advice: readonly AdviceView[];
  /** Number of entries left out of each list. */
  readonly left: Readonly<Record<"projects" | "writers" | "senders" | "advice", number>>;
}

/** Totals over all projects. */
export interface TotalsView {
  readonly projects: number;
  readonly files: number;
  readonly pendingRecords: number;
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  readonly oldest: number | null;
  readonly deadLetters: number;
  readonly droppedRecords: number;
  readonly memoryRecords: number;
}

/** One project. */
export interface ProjectView {
  /** Identifies the project in requests. */
  readonly directory: string;
  /** `acme/chat`; for logs of the Python SDK, with the beginning of the key's digest. */
  readonly label: string;
  readonly entity: string;
  readonly project: string;
  readonly files: number;
  readonly pendingRecords: number;
  readonly pendingEstimated: boolean;
  readonly pendingBytes: number;
  readonly oldest: number | null;
  readonly deadLetters: { readonly total: number; readonly byReason: Record<string, number> };
  readonly droppedRecords: number;
  readonly memoryRecords: number;
  /** Usage of `maxDiskBytes` as a fraction, and when it is reached; `null` without a limit. */
  readonly quota: { readonly share: number; readonly fullAt: number | null } | null;
  readonly sender: { readonly state: string; readonly by: string | null; readonly reason: string };
  /** Bytes per second; `null` for a stream, which does not tell. */
  readonly written: number | null;
  readonly sent: number | null;
}

/** A process that writes a log. */
export interface WriterView {
  /** Label of the project. */
  readonly project: string;
  readonly name: string;
  readonly liveness: string;
  readonly sends: boolean | null;
  readonly server: string | null;
  readonly lastHeartbeat: number | null;
  readonly files: number;
  readonly pendingBytes: number;
  /** Whether its records go to memory because the disk fails, and why. */
  readonly inMemory: boolean;
  readonly diskError: string | null;
}

/** A process that sends. */
export interface SenderView {
  readonly name: string;
  readonly liveness: string;
  readonly server: string;
  readonly state: string;
  readonly reason: string;
  readonly since: number;
  /** Time of the next attempt; `null` while the server is up. */
  readonly nextAttempt: number | null;
  readonly delivered: number;
  readonly deadLettered: number;
  readonly lastDelivery: number | null;
  readonly lastError: { readonly message: string; readonly at: number } | null;
}

/** One piece of advice. */
export interface AdviceView {
  readonly level: "info" | "warn" | "error";
  readonly project: string | null;
  readonly message: string;
  readonly command: string | null;
}

/** One data point of the charts. */
export interface Sample {
  readonly at: number;
  readonly pendingBytes: number;
  /** Bytes per second; `null` for a stream, which does not tell. */
  readonly written: number | null;
  readonly sent: number | null;
}

/** `GET api/traces`: a page of a project's traces with pending calls, newest first. */
export interface TracePage {
  readonly traces: readonly TraceView[];
  /** Cursor for the next page; `null` after the last one. */
  readonly next: string | null;
  /** Bytes read so far for this list, and in total. */
  readonly read: number;
  readonly total: number;
}

/** A trace in a list. */
export interface TraceView {
  readonly key: string;
  readonly name: string;
  readonly started: number | null;
  /** Ms from the first start to the last end; `null` if one of them is not pending. */
  readonly duration: number | null;
  readonly calls: number;
  readonly failed: number;
  readonly running: number;
  readonly bytes: number;
}

/** `GET api/trace`: a page of the calls of a trace, each after its parent. */
export interface CallPage {
  readonly trace: TraceView;
  readonly calls: readonly CallView[];
  /** Position of the first call. */
  readonly from: number;
}

/** A call in a tree. */
export interface CallView {
  readonly id: string;
  readonly depth: number;
  /** Whether children follow. */
  readonly parent: boolean;
  readonly name: string;
  /** Whether it is an OpenTelemetry span. */
  readonly span: boolean;
  readonly started: number | null;
  readonly ended: number | null;
  readonly hasEnd: boolean;
  readonly error: string | null;
  readonly bytes: number;
  /** Positions of its records, for `GET api/call`. */
  readonly startAt: string | null;
  readonly endAt: string | null;
}

/** `GET api/call`: inputs, output and other fields of a call. */
export interface CallDetail {
  readonly fields: readonly FieldView[];
}

/** A field, or a part of it. */
export interface FieldView {
  readonly name: string;
  /** JSON text from byte `from` on, or plain text. */
  readonly text: string;
  readonly from: number;
  /** Byte position after the text. */
  readonly to: number;
  /** Total bytes of the field. */
  readonly bytes: number;
  /** Position of its record, for reading more of it. */
  readonly at: string;
}

/** `GET api/dead-letters`: a page of dead letters. */
export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterView[];
  readonly next: string | null;
}

/** One dead letter. */
export interface DeadLetterView {
  readonly id: string;
  readonly directory: string;
  readonly entity: string;
  readonly project: string;
  readonly type: string;
  readonly reason: string;
  readonly status: number | null;
  /** The server's message. */
  readonly message: string;
  readonly at: string | null;
  readonly server: string | null;
  readonly retries: number;
  readonly bytes: number;
  /** The op, object or file of the request. */
  readonly about: string;
}

/** `GET api/dead-letter`: the request of a dead letter, or a part of it. */
export interface DeadLetterDetail {
  readonly field: FieldView;
}

/** Selects dead letters: all, or those that match every given property. */
export interface DeadLetterSelection {
  readonly ids?: readonly string[];
  readonly entity?: string;
  readonly project?: string;
  readonly reason?: string;
}

/** Progress of a retry of dead letters. */
export interface RetryView {
  readonly state: "running" | "done" | "failed";
  /** Progress or result, as a sentence. */
  readonly message: string;
}

/** Body of a response with a status other than 200. */
export interface ErrorView {
  readonly error: string;
}
