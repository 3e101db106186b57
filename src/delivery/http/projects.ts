/**
 * Asks the server about a project, without a write.
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { classify } from "./classify.ts";
import type { Evidence } from "./evidence.ts";
import type { Transport } from "./transport.ts";

/**
 * Response of the server: the project exists, is missing, cannot be checked now, or the server does
 * not support the question.
 */
export type ProjectState =
  | { readonly kind: "exists" | "failing" | "unknown" }
  | { readonly kind: "missing"; readonly message: string };

/** A read of a nonexistent call, which reaches the storage of the calls. */
const PATH = "/call/read";
const NO_CALL = "00000000-0000-0000-0000-000000000000";
/** Ms for which an existing project is not checked again. */
const VALID_MS = 60_000;

/** Checks which projects a server has. */
export class Projects {
  readonly #transport: Transport;
  readonly #evidence: Evidence;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #existed = new Map<string, number>();

  constructor(transport: Transport, evidence: Evidence, clock: Clock, newId: () => string) {
    this.#transport = transport;
    this.#evidence = evidence;
    this.#clock = clock;
    this.#newId = newId;
  }

  /** Returns whether a project existed within the last minute. */
  has(project: string): boolean {
    const at = this.#existed.get(project);
    return at !== undefined && this.#clock.monotonic() - at < VALID_MS;
  }

  /** Asks the server. */
  async ask(project: string, stop: AbortSignal): Promise<ProjectState> {
    const body = new TextEncoder().encode(JSON.stringify({ project_id: project, id: NO_CALL }));
    const attempt = await this.#transport.attempt(
      { path: PATH, body, retryId: this.#newId() },
      stop,
    );
    if (attempt.kind === "stopped" || attempt.kind === "interrupted") return FAILING;
    if (attempt.kind === "answer" && attempt.status === 200 && hasCall(attempt.text)) {
      this.#evidence.checked(true);
      this.#existed.set(project, this.#clock.monotonic());
      return EXISTS;
    }
    const facts = { serverUrl: this.#transport.serverUrl, hasAnswered: () => true };
    const outcome = classify(attempt, PATH, facts);
    if (outcome.kind === "refused" && outcome.notFound) {
      const { message } = outcome;
      return {
        kind: "missing",
        message: message.includes(project) ? message : `${message} (${project})`,
      };
    }
    // A key may have write permission only.
    if (outcome.kind !== "failure" || outcome.state === "blocked") return { kind: "unknown" };
    this.#evidence.checked(false);
    return FAILING;
  }
}

const EXISTS: ProjectState = { kind: "exists" };
const FAILING: ProjectState = { kind: "failing" };

function hasCall(text: string): boolean {
  try {
    return "call" in (JSON.parse(text) as object);
  } catch {
    return false;
  }
}
