/**
 * Mutations of `src/delivery/http`.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";

const BACKOFF = "delivery/http/backoff_test.ts";
const ANSWERS = "delivery/http/answers_test.ts";
const FLAP = "delivery/http/flap_test.ts";
const EVIDENCE = "delivery/http/evidence_test.ts";
const REDACT = "delivery/http/redact_test.ts";
const FAULTS = "delivery/faults_test.ts";
const REFUSALS = "delivery/refusals_test.ts";
const POISON = "delivery/records/poison_test.ts";
const BREAKER = "delivery/http/circuit_breaker_test.ts";
const CLASSES = "delivery/http/classify_test.ts";
const SEND = "delivery/http/send_with_retry_test.ts";
const PATIENCE = "delivery/http/patience_test.ts";

/** The mutations of `src/delivery/http`. */
export const DELIVERY_HTTP_MUTATIONS: readonly Mutation[] = [
  {
    file: "src/delivery/http/backoff.ts",
    mistake: "delays grow over their limit",
    find: "Math.min(maxMs, BACKOFF_BASE_MS * 2 ** Math.min(failures, 30))",
    replace: "BACKOFF_BASE_MS * 2 ** Math.min(failures, 30)",
    tests: [BACKOFF],
  },
  {
    file: "src/delivery/http/backoff.ts",
    mistake: "all processes retry at the same time",
    find: "return random() * Math.min(",
    replace: "return 1 * Math.min(",
    tests: [BACKOFF],
  },
  {
    file: "src/delivery/http/backoff.ts",
    mistake: "Retry-After is read as milliseconds",
    find: "Number(text) * 1_000",
    replace: "Number(text)",
    tests: [BACKOFF],
  },
  {
    file: "src/delivery/http/backoff.ts",
    mistake: "a server can stop delivery for a day",
    find: "Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)",
    replace: "Math.max(ms, 0)",
    tests: [BACKOFF],
  },
  {
    file: "src/delivery/http/circuit_breaker.ts",
    mistake: "every request is a probe",
    find: "if (this.#probing || this.#timer !== null) {",
    replace: "if (this.#timer !== null) {",
    tests: [FLAP, BACKOFF],
  },
  {
    file: "src/delivery/http/circuit_breaker.ts",
    mistake: "requests in flight count as further failures",
    find: 'if (this.#state !== "up" && !wasProbe) return;',
    replace: "",
    tests: [BREAKER],
  },
  {
    file: "src/delivery/http/circuit_breaker.ts",
    mistake: "a blocked server is probed as often as one that is down",
    find: 'const slow = state === "blocked" ? Math.min(BLOCKED_PROBE_MS, maxBackoffMs) : 0;',
    replace: "const slow = 0;",
    tests: [BACKOFF],
  },
  {
    file: "src/delivery/http/circuit_breaker.ts",
    mistake: "the number of failures is kept after a success",
    find: `    this.#probing = false;
    this.#failures = 0;`,
    replace: "    this.#probing = false;",
    tests: [BREAKER],
  },
  {
    file: "src/delivery/http/classify.ts",
    mistake: "a rejected key dead-letters records",
    find: "if (status === 401 || status === 403) return blocked",
    replace: "if (status === 402) return blocked",
    tests: [ANSWERS, BACKOFF],
  },
  {
    file: "src/delivery/http/classify.ts",
    mistake: "a redirect dead-letters records",
    find: "if (status < 400) return blocked",
    replace: "if (status < 300) return blocked",
    tests: [ANSWERS, FAULTS, REFUSALS],
  },
  {
    file: "src/delivery/http/classify.ts",
    mistake: "HTTP 429 dead-letters records",
    find: "new Set([408, 425, 429, 502, 503, 504])",
    replace: "new Set([408, 425, 502, 503, 504])",
    tests: [FAULTS, REFUSALS, ANSWERS],
  },
  {
    file: "src/delivery/http/classify.ts",
    mistake: "HTTP 413 rejects the whole batch",
    find: 'if (status === 413) return { kind: "too-large", status, message };',
    replace: "",
    tests: [CLASSES],
  },
  {
    file: "src/delivery/http/classify.ts",
    mistake: "any page with status 200 counts as delivered",
    find: `    case "foreign":
      return foreign(status, facts);`,
    replace: `    case "foreign":
      return { kind: "done", text };`,
    tests: [ANSWERS, FAULTS, REFUSALS],
  },
  {
    file: "src/delivery/http/classify.ts",
    mistake: "an incomplete response counts as delivered",
    find: 'return { kind: "failure", state: "down", reason, status, asksToWait: true };',
    replace: 'return { kind: "done", text };',
    tests: [CLASSES],
  },
  {
    file: "src/delivery/http/evidence.ts",
    mistake: "a record is given up after a few quick failures",
    find: "if (this.#evidence.now - this.#first < span) return false;",
    replace: "",
    tests: [EVIDENCE, POISON],
  },
  {
    file: "src/delivery/http/evidence.ts",
    mistake: "a record is given up though the server's health checks fail",
    find: "if (writes === 0 && !this.#evidence.isWell) return false;",
    replace: "",
    tests: [EVIDENCE],
  },
  {
    file: "src/delivery/http/evidence.ts",
    mistake: "failures of other records are ignored",
    find: "chanceOf(failures, successes, otherFailures + this.#evidence.recoveries)",
    replace: "chanceOf(failures, successes, 0)",
    tests: [EVIDENCE],
  },
  {
    file: "src/delivery/http/evidence.ts",
    mistake: "a failure that asks to wait counts against health checks",
    find: "this.#unexplained = asksToWait ? 0 : this.#unexplained + 1;",
    replace: "this.#unexplained++;",
    tests: [EVIDENCE],
  },
  {
    file: "src/delivery/http/redact.ts",
    mistake: "the key in base64 is logged",
    find: "[...new Set([...encoded, ...forURLs, ...plain])]",
    replace: "[...new Set([...forURLs, ...plain])]",
    tests: [REDACT],
  },
  {
    file: "src/delivery/http/redact.ts",
    mistake: "the key in base64 for URLs is logged",
    find: "[...new Set([...encoded, ...forURLs, ...plain])]",
    replace: "[...new Set([...encoded, ...plain])]",
    tests: [REDACT],
  },
  {
    file: "src/delivery/http/transport.ts",
    mistake: "redirects are followed",
    find: 'redirect: "manual",',
    replace: 'redirect: "follow",',
    tests: [REDACT, FAULTS, REFUSALS, ANSWERS],
  },
  {
    file: "src/delivery/http/transport.ts",
    mistake: "a retry has no ID",
    find: '"X-Weave-Retry-Id": retryId,',
    replace: '"X-Weave-Retry-Id": `${retryId}x`.slice(-1),',
    tests: [SEND],
  },
  {
    file: "src/delivery/http/transport.ts",
    mistake: "a server that hangs stops delivery",
    find: `      timedOut = true;
      abort();`,
    replace: "      timedOut = true;",
    tests: [FAULTS, REFUSALS, PATIENCE],
  },
  {
    file: "src/delivery/http/response_body.ts",
    mistake: "a response of any size is read",
    find: "if (size > maxBytes) {",
    replace: "if (size < 0) {",
    tests: [ANSWERS, FAULTS, REFUSALS],
  },
  {
    file: "src/delivery/http/send_with_retry.ts",
    mistake: "a record is sent though the lease was lost",
    find: `    try {
      assertHeld();
    } catch (error) {`,
    replace: `    try {
      assertHeld;
    } catch (error) {`,
    tests: [SEND],
  },
];
