/**
 * Asks the server about a project, without writing anything.
 *
 * @module
 */

import type { Clock } from "../../runtime/runtime.ts";
import { classify } from "./classify.ts";
import type { Evidence } from "./evidence.ts";
import type { Transport } from "./transport.ts";

/**
 * The server's answer: the project exists, it does not, the server cannot tell now, or it does not
 * know the question.
 */
export type ProjectState =
  | { readonly kind: "exists" | "failing" | "unknown" }
  | { readonly kind: "missing"; readonly message: string };

/** The read that is made: a call that cannot exist. It goes to where the calls are stored. */
const PATH = "/call/read";
const NO_CALL = "00000000-0000-0000-0000-000000000000";
/** Ms for which a project that exists is not asked for again. */
const VALID_MS = 60_000;

/** Knows which projects a server has. */
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

  /** Whether a project existed within the last minute. */
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
    // A key may be allowed to write only.
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
