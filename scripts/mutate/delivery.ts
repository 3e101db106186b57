/**
 * Mutations of the rest of `src/delivery`.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";

const EVIDENCE = "delivery/http/evidence_test.ts";
const FAULTS = "delivery/faults_test.ts";
const REFUSALS = "delivery/refusals_test.ts";
const ROUTES = "delivery/calls/call_route_test.ts";
const STARTS = "delivery/calls/pending_starts_test.ts";
const UNSENDABLE = "delivery/records/unsendable_test.ts";
const POISON = "delivery/records/poison_test.ts";
const STOPPED = "delivery/records/stopped_isolation_test.ts";
const IN_FLIGHT = "delivery/in_flight_test.ts";
const HELD = "delivery/calls/held_ends_test.ts";
const ROTATION = "delivery/python_rotation_test.ts";
const SHARED = "delivery/calls/shared_calls_test.ts";
const DROPPED = "wal/open_calls/dropped_ends_test.ts";
const LOAD = "delivery/calls/call_load_test.ts";

/** The mutations of the rest of `src/delivery`. */
export const DELIVERY_MUTATIONS: readonly Mutation[] = [
  {
    file: "src/delivery/drain/late_removals.ts",
    mistake: "calls that ended in a dropped segment pass for interrupted ones",
    find: "await segment.beforeComplete?.();",
    replace: "",
    tests: [DROPPED],
  },
  {
    file: "src/delivery/drain/drain.ts",
    mistake: "an end does not wait for a start in a later segment",
    find: "isLast && !await this.#continues()",
    replace: "isLast",
    tests: [ROTATION],
  },
  {
    file: "src/delivery/drain/in_flight_queue.ts",
    mistake: "a batch that depends on others is sent beside them",
    find: "while (this.#inFlight.length > 0 && !(independent && this.#hasRoom())) {",
    replace: "while (this.#inFlight.length > 0 && !this.#hasRoom()) {",
    tests: [IN_FLIGHT],
  },
  {
    file: "src/delivery/drain/in_flight_queue.ts",
    mistake: "any number of batches is in flight",
    find: "return this.#inFlight.length < MAX_IN_FLIGHT_BATCHES &&",
    replace: "return this.#inFlight.length < 100 &&",
    tests: [
      "delivery/in_flight_queue_test.ts",
      IN_FLIGHT,
      "delivery/stats_test.ts",
      FAULTS,
      REFUSALS,
    ],
  },
  {
    file: "src/delivery/drain/in_flight_queue.ts",
    mistake: "a batch is settled before the one before it",
    find: "const before = this.#inFlight.at(-1)?.settled ?? Promise.resolve();",
    replace: "const before = Promise.resolve();",
    tests: [IN_FLIGHT],
  },
  {
    file: "src/delivery/calls/call_load.ts",
    mistake: "a start that waits is sent twice",
    find: "const sent = calls.filter(({ record }) => !waiting.has(record.offset));",
    replace: "const sent = calls;",
    tests: [LOAD],
  },
  {
    file: "src/delivery/calls/call_load.ts",
    mistake: "no start waits for its end",
    find: "ends.hold(call) : wait && starts.add(call);",
    replace: "ends.hold(call) : wait && !starts.add(call);",
    tests: [STARTS, ROUTES],
  },
  {
    file: "src/delivery/calls/call_load.ts",
    mistake: "an end is sent before its start",
    find: "!started.has(call) && ends.hold(call)",
    replace: "started.has(call) && ends.hold(call)",
    tests: [HELD],
  },
  {
    file: "src/delivery/calls/pending_calls.ts",
    mistake: "an end that waits is not sent with its start",
    find: "return own && this.ends.take(own);",
    replace: "return undefined;",
    tests: [HELD],
  },
  {
    file: "src/delivery/calls/held_ends.ts",
    mistake: "an end whose start is not known is dead-lettered at once",
    find: "if (isFinal || isOverLimit(this.#ends.size, this.#bytes)) {",
    replace: "if (true) {",
    tests: [HELD],
  },
  {
    file: "src/delivery/calls/held_ends.ts",
    mistake: "an end without a start waits forever",
    find: "end.isLastTry = isLastTry || end.tries >= MAX_TRIES;",
    replace: "end.isLastTry = isLastTry;",
    tests: [HELD],
  },
  {
    file: "src/delivery/calls/held_ends.ts",
    mistake: "an end whose start is in another log is final when its log is read",
    find: "return this.isLogRead && !this.#places.otherLogs;",
    replace: "return this.isLogRead;",
    tests: [SHARED],
  },
  {
    file: "src/delivery/calls/held_ends.ts",
    mistake: "a failed read of a start counts as its absence",
    find: "if (isUndecided) end.tries--;",
    replace: "",
    tests: [SHARED],
  },
  {
    file: "src/delivery/calls/start_lookup.ts",
    mistake: "a failed read of a start is taken for an answer",
    find: "return { ...unknown(reason), isUndecided: true };",
    replace: "return unknown(reason);",
    tests: [SHARED],
  },
  {
    file: "src/delivery/drain/held_drains.ts",
    mistake: "a segment waits for the ends of the one before it",
    find: "if (this.#drains.size >= MAX_HELD_DRAINS) return",
    replace: "if (true) return",
    tests: [SHARED],
  },
  {
    file: "src/delivery/delivery_wait.ts",
    mistake: "a read waits for ends whose starts are in other logs",
    find: "if (!isForRead) return",
    replace: "if (true) return",
    tests: [SHARED],
  },
  {
    file: "src/delivery/calls/held_ends.ts",
    mistake: "any number of ends waits",
    find: "count > MAX_HELD || bytes > MAX_HELD_BYTES",
    replace: "false",
    tests: [HELD],
  },
  {
    file: "src/delivery/drain/batch_source.ts",
    mistake: "the checkpoint passes an end that waits",
    find: "Math.min(unpaired, held.oldestOffset ?? unpaired)",
    replace: "unpaired",
    tests: [HELD],
  },
  {
    file: "src/delivery/drain/batch_source.ts",
    mistake: "ends wait although everything is read",
    find: "    this.#pending.ends.isLogRead = isLogRead;\n    return",
    replace: "    return",
    tests: [HELD],
  },
  {
    file: "src/delivery/calls/call_sender.ts",
    mistake: "a server without the v1 API rejects calls",
    find: "if (verdict.missing) {\n        const reason",
    replace: "if (false) {\n        const reason",
    tests: [ROUTES],
  },
  {
    file: "src/delivery/calls/call_sender.ts",
    mistake: "a project in complete mode rejects calls",
    find:
      'if (verdict.errorCode === NEEDS_COMPLETE) throw new RouteRejected("complete", NEEDS_COMPLETE);',
    replace: "",
    tests: ["wal/segment/project_id_test.ts", FAULTS, REFUSALS, IN_FLIGHT],
  },
  {
    file: "src/delivery/calls/call_sender.ts",
    mistake: "a call is sent to a project of another name",
    find: 'const [entity, project = ""] = projectId.split("/");',
    replace: 'const [project, entity = ""] = projectId.split("/");',
    tests: [ROUTES, FAULTS, REFUSALS],
  },
  {
    file: "src/delivery/records/record_sender.ts",
    mistake: "a deletion is sent beside what it deletes",
    find: '  "calls_delete",\n',
    replace: "",
    tests: [
      STARTS,
      FAULTS,
      REFUSALS,
      "client/weave_client/writes_test.ts",
      "system/sim/sim_test.ts",
    ],
  },
  {
    file: "src/delivery/records/record_sender.ts",
    mistake: "a digest that the server computes otherwise loses the record",
    find: 'if (kind !== "refused" || verdict.status !== 409 || expectedDigestIn === undefined) {',
    replace:
      'if (kind !== "refused" || verdict.status !== 410 || expectedDigestIn === undefined) {',
    tests: [FAULTS, REFUSALS, UNSENDABLE, "client/objects/publish_test.ts"],
  },
  {
    file: "src/delivery/records/record_sender.ts",
    mistake: "the same content is sent again and again",
    find: "if (this.#content.has(group)) {",
    replace: "if (false) {",
    tests: [ROUTES],
  },
  {
    file: "src/delivery/drain/delivered_records.ts",
    mistake: "a repeated record is sent again, after the record that it repeats",
    find: "return this.#hasRepeats ? [] :",
    replace: "return false ? [] :",
    tests: [STOPPED],
  },
  {
    file: "src/delivery/drain/drain.ts",
    mistake: "delivered records after the checkpoint are sent again",
    find: "this.segment.release([...this.#progress.delivered, ...single]);",
    replace: "this.segment.release();",
    tests: [STOPPED],
  },
  {
    file: "src/delivery/drain/drain.ts",
    mistake: "what was delivered while an end waits is sent again",
    find: "this.segment.release([...this.#progress.delivered, ...single]);",
    replace: "this.segment.release(single);",
    tests: [STOPPED],
  },
  {
    file: "src/delivery/drain/batch_source.ts",
    mistake: "an end that waits counts as delivered",
    find: "offsets: [...offsets, ...held.offsets],",
    replace: "offsets,",
    tests: [STOPPED],
  },
  {
    file: "src/delivery/sender.ts",
    mistake: "an exit without time to stop forgets what is delivered after the checkpoint",
    find: "for (const held of [...this.#ownDrains, ...this.#own]) {",
    replace: "for (const held of this.#own) {",
    tests: [STOPPED],
  },
  {
    file: "src/delivery/records/suspects.ts",
    mistake: "a record that fails is tried without a pause",
    find: "await this.#pause(this.#delay(round));",
    replace: "",
    tests: [POISON, EVIDENCE],
  },
  {
    file: "src/delivery/records/suspects.ts",
    mistake: "a missing project dead-letters records at once",
    find: "if (!refusal.notFound || project === undefined || projects.has(project)) return false;",
    replace:
      "if (refusal.notFound || project === undefined || projects.has(project)) return false;",
    tests: ["delivery/http/missing_project_test.ts"],
  },
  {
    file: "src/delivery/records/span_sender.ts",
    mistake: "spans between those of a request are sent with it",
    find: "return isWhole ? new",
    replace: "return first ? new",
    tests: ["delivery/records/spans_test.ts"],
  },
  {
    file: "src/delivery/drain/drain.ts",
    mistake: "a drain that loses its segment keeps its slot",
    find: "      release?.();",
    replace: "",
    tests: ["delivery/lost_segments_test.ts"],
  },
];
