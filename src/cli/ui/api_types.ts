/**
 * Answers of the server of `weave-wal ui` to its page, as JSON. Times are epoch ms, sizes bytes.
 *
 * @module
 */

/** `GET api/status`. */
export interface StatusView {
  readonly version: string;
  /** Directory of all logs. */
  readonly dir: string;
  /** Base URL of the server of the settings; dead letters are sent again to it. */
  readonly server: string;
  /** `null` until the first report is made. */
  readonly report: ReportView | null;
  /** Segments counted for the report that is being made, and of how many; `null` if none is made. */
  readonly progress: { readonly done: number; readonly total: number } | null;
  /** Why no report can be made; `null` if one can. */
  readonly error: string | null;
  /** Samples after the time that the page named. */
  readonly samples: readonly Sample[];
  readonly retry: RetryView | null;
}

/** One report of all logs, in bounded size. */
export interface ReportView {
  readonly at: number;
  /** Whether the directory of all logs exists. */
  readonly hasLogs: boolean;
  readonly totals: TotalsView;
  /** Those with most pending bytes. */
  readonly projects: readonly ProjectView[];
  readonly writers: readonly WriterView[];
  readonly senders: readonly SenderView[];
  readonly advice: readonly AdviceView[];
  /** Number of each that was left out. */
  readonly left: Readonly<Record<"projects" | "writers" | "senders" | "advice", number>>;
}

/** Sums over all projects. */
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
  /** Names it in requests. */
  readonly directory: string;
  /** `acme/chat`; for logs of the Python SDK with the beginning of the key's digest. */
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
  /** Used part of `maxDiskBytes`, from 0, and when it is reached; `null` without a limit. */
  readonly quota: { readonly share: number; readonly fullAt: number | null } | null;
  readonly sender: { readonly state: string; readonly by: string | null; readonly reason: string };
  /** Bytes a second. */
  readonly written: number;
  readonly sent: number;
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
  /** Whether its records go to memory because the disk does not take them, and why. */
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
  /** When it tries again; `null` while the server is up. */
  readonly nextAttempt: number | null;
  readonly delivered: number;
  readonly deadLettered: number;
  readonly lastDelivery: number | null;
  readonly lastError: { readonly message: string; readonly at: number } | null;
}

/** One thing that a person should know. */
export interface AdviceView {
  readonly level: "info" | "warn" | "error";
  readonly project: string | null;
  readonly message: string;
  readonly command: string | null;
}

/** One point of the plots. */
export interface Sample {
  readonly at: number;
  readonly pendingBytes: number;
  /** Bytes a second. */
  readonly written: number;
  readonly sent: number;
}

/** `GET api/traces`: a page of the traces with pending calls of a project, newest first. */
export interface TracePage {
  readonly traces: readonly TraceView[];
  /** Names the next page; `null` after the last one. */
  readonly next: string | null;
  /** Bytes read so far for this list, and of how many. */
  readonly read: number;
  readonly total: number;
}

/** One trace in a list. */
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

/** `GET api/trace`: a page of the calls of one trace, each after its parent. */
export interface CallPage {
  readonly trace: TraceView;
  readonly calls: readonly CallView[];
  /** Position of the first of them. */
  readonly from: number;
}

/** One call of a tree. */
export interface CallView {
  readonly id: string;
  readonly depth: number;
  /** Whether calls below it follow. */
  readonly parent: boolean;
  readonly name: string;
  /** Whether it is an OpenTelemetry span. */
  readonly span: boolean;
  readonly started: number | null;
  readonly ended: number | null;
  readonly hasEnd: boolean;
  readonly error: string | null;
  readonly bytes: number;
  /** Names of its records for `GET api/call`. */
  readonly startAt: string | null;
  readonly endAt: string | null;
}

/** `GET api/call`: inputs, output and other fields of one call. */
export interface CallDetail {
  readonly fields: readonly FieldView[];
}

/** A field, or a part of it. */
export interface FieldView {
  readonly name: string;
  /** JSON text from byte `from` on, or plain text. */
  readonly text: string;
  readonly from: number;
  /** Byte behind the text. */
  readonly to: number;
  /** Bytes of the whole. */
  readonly bytes: number;
  /** Name of its record, to read more of it. */
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
  /** The message of the server. */
  readonly message: string;
  readonly at: string | null;
  readonly server: string | null;
  readonly retries: number;
  readonly bytes: number;
  /** The op, the object or the file that it is about. */
  readonly about: string;
}

/** `GET api/dead-letter`: the request of a dead letter, or a part of it. */
export interface DeadLetterDetail {
  readonly field: FieldView;
}

/** Which dead letters are meant: all, or those that every given property fits. */
export interface DeadLetterSelection {
  readonly ids?: readonly string[];
  readonly entity?: string;
  readonly project?: string;
  readonly reason?: string;
}

/** Progress of sending dead letters again. */
export interface RetryView {
  readonly state: "running" | "done" | "failed";
  /** Progress or result, as a sentence. */
  readonly message: string;
}

/** Body of an answer with a status other than 200. */
export interface ErrorView {
  readonly error: string;
}
