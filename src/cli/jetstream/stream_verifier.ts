/**
 * Verifies a log on NATS JetStream: the settings and replicas of its streams, and every record.
 *
 * @module
 */

import type { EngineMessage, StreamState } from "../../jetstream/engine.ts";
import type { NatsStores } from "../../jetstream/nats/open_stores.ts";
import { placeOfSubject } from "../../jetstream/subjects.ts";
import type { Clock } from "../../runtime/runtime.ts";
import { throwIfStopped } from "../context.ts";
import { CommandError } from "../exit_codes.ts";
import { isMeant, type LogFilter } from "../logs/projects.ts";
import { formatCount } from "../terminal/format.ts";
import { corruptLinesOf, lineFinding } from "../verify/corrupt_lines.ts";
import type { Findings } from "../verify/findings.ts";
import type { LogVerifier, VerifyJob, VerifyScope } from "../verify/log_verifier.ts";
import { batchesOf } from "./stream_parts.ts";
import { verifyDeadLetters, verifyKeys } from "./verify_messages.ts";

/** Verifies one stream. */
export class StreamVerifier implements LogVerifier {
  readonly unit = "partition";
  readonly bytes: number;
  readonly #clock: Clock;
  readonly #stores: NatsStores;
  readonly #place: string;
  readonly #filter: LogFilter;
  readonly #state: StreamState;

  private constructor(
    clock: Clock,
    stores: NatsStores,
    place: string,
    filter: LogFilter,
    state: StreamState,
  ) {
    this.#clock = clock;
    this.#stores = stores;
    this.#place = place;
    this.#filter = filter;
    this.#state = state;
    this.bytes = state.bytes;
  }

  /**
   * Prepares a verification of the messages that are in the stream now.
   *
   * @param stores The log, open.
   * @param place Its address, for people.
   * @throws {CommandError} for a path, for repairs, or if the log is for another server.
   * @throws {EngineError} `away`.
   */
  static async open(
    clock: Clock,
    stores: NatsStores,
    place: string,
    { path, filter, repair }: VerifyScope,
  ): Promise<StreamVerifier> {
    if (path !== undefined) throw new CommandError("Cannot use a path with --log");
    if (repair) {
      throw new CommandError("Cannot use --repair with --log", {
        hint: `weave-wal flush --log ${place} dead-letters bad records and sends the others`,
      });
    }
    const { records, prefix, server } = stores;
    if (server !== null && (filter.server ?? server) !== server) {
      throw new CommandError(
        `Cannot verify records for ${filter.server}: those at ${place} are for ${server}`,
      );
    }
    return new StreamVerifier(clock, stores, place, filter, await records.state(`${prefix}.>`));
  }

  async verify(job: VerifyJob): Promise<void> {
    const { findings } = job;
    for (const { stream, ...fault } of await this.#stores.faults()) {
      findings.add({ entity: null, project: null, file: stream, ...fault });
    }
    await this.#verifyRecords(job);
    await verifyDeadLetters(job, this.#stores, this.#filter);
    await verifyKeys(job, this.#stores);
  }

  remedy({ list }: Findings): string | null {
    const kinds = new Set(list.filter(({ harmless }) => !harmless).map(({ kind }) => kind));
    if (kinds.has("settings")) return "nats stream edit changes the settings of a stream";
    if (["torn", "corrupt", "oversize"].some((kind) => kinds.has(kind as "torn"))) {
      return `weave-wal flush --log ${this.#place} dead-letters bad records and sends the others`;
    }
    return null;
  }

  async #verifyRecords(job: VerifyJob): Promise<void> {
    const { context: { stop }, findings, onBytes } = job;
    const { records, prefix, partitions } = this.#stores;
    const { lastSeq } = this.#state;
    findings.files += partitions;
    let count = 0;
    for await (const message of records.read(`${prefix}.>`, { to: lastSeq + 1 })) {
      throwIfStopped(stop);
      count++;
      await this.#verifyMessage(job, message);
      onBytes(message.payload.length);
    }
    // Senders remove messages meanwhile, and relays add others: this many were there throughout.
    const now = await records.state(`${prefix}.>`);
    const kept = Math.max(0, now.messages - (now.lastSeq - lastSeq));
    if (count >= kept) return;
    const lost = formatCount(kept - count);
    const message = `Messages that the servers count but do not return: ${lost}`;
    findings.add({ entity: null, project: null, kind: "missing", file: records.name, message });
  }

  async #verifyMessage({ findings }: VerifyJob, message: EngineMessage): Promise<void> {
    const { records, prefix } = this.#stores;
    const { subject, seq: offset, payload } = message;
    const place = placeOfSubject(prefix, subject);
    if (place === null) {
      const text = `Subject ${subject} is not <prefix>.<partition>.<entity>.<project>`;
      const finding = { kind: "foreign", file: records.name, offset, message: text } as const;
      findings.add({ entity: null, project: null, ...finding });
      return;
    }
    if (!isMeant(place, this.#filter)) return;
    const { entity, project } = place;
    findings.bytes += payload.length;
    for await (const batch of batchesOf(this.#clock, message)) {
      const corrupt = corruptLinesOf(batch);
      findings.records += batch.lines.length - corrupt.length;
      for (const line of corrupt) {
        findings.add({ entity, project, file: records.name, ...lineFinding(line) });
      }
    }
  }
}
