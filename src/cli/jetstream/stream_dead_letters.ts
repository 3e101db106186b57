/**
 * The dead letters of a log on NATS JetStream.
 *
 * @module
 */

import { Resend, type RetryResult } from "../../delivery/dead_letters/resend_dead_letters.ts";
import {
  deadLetterIdOf,
  deadLetterOf,
  type HeldStream,
  holdDeadLetters,
  readDeadLetterStream,
  type StreamDeadLetter,
} from "../../jetstream/dead_letters/dead_letter_stream.ts";
import { deadLetterPrefix } from "../../jetstream/dead_letters/dead_letter_writer.ts";
import type { NatsStores } from "../../jetstream/nats/open_stores.ts";
import { fromBase64 } from "../../protocol/json/base64.ts";
import type { Clock } from "../../runtime/runtime.ts";
import type {
  ChosenDeadLetter,
  DeadLetterSource,
  DropResult,
  PlacedDeadLetter,
  SendAgainOptions,
} from "../dead_letters/source.ts";

/** A stream of dead letters. */
export class StreamDeadLetters implements DeadLetterSource {
  /** No record of a stream has a provisional digest. */
  readonly digestRoot = null;
  readonly #clock: Clock;
  readonly #stores: NatsStores;

  /** @param stores The log, open. */
  constructor(clock: Clock, stores: NatsStores) {
    this.#clock = clock;
    this.#stores = stores;
  }

  async *all(): AsyncGenerator<PlacedDeadLetter> {
    const { deadLetters, prefix } = this.#stores;
    for await (const found of readDeadLetterStream(deadLetters, prefix)) yield this.#placed(found);
  }

  mayGoTo(server: string): boolean {
    const own = this.#stores.server;
    return own === null || own === server;
  }

  async find(_: string, id: string): Promise<PlacedDeadLetter | null> {
    const { deadLetters, prefix } = this.#stores;
    const { subjects } = await deadLetters.state(`${deadLetterPrefix(prefix)}.>`);
    const subject = [...subjects.keys()].find((one) => deadLetterIdOf(one) === id);
    const message = subject === undefined ? null : await deadLetters.first(subject, 1);
    return message && this.#placed(deadLetterOf(message));
  }

  bytes({ entry: { line } }: PlacedDeadLetter, most: number): Promise<Uint8Array> {
    return Promise.resolve(rawBytes(line).subarray(0, most));
  }

  async sendAgain(
    chosen: readonly ChosenDeadLetter[],
    { deliveryClient, server, anyServer, token, stop }: SendAgainOptions,
  ): Promise<RetryResult> {
    const resend = new Resend({ deliveryClient, clock: this.#clock, stop });
    const ids = new Set(chosen.map(({ id }) => id));
    try {
      if (ids.size > 0 && (anyServer || this.mayGoTo(server))) {
        const held = await this.#hold(token);
        if (held === null) resend.busy.push(this.#stores.deadLetters.name);
        else {
          await resend.send(held, (entry) => ids.has(held.idOf(entry)))
            .finally(() => held.release());
        }
      }
      return resend.result();
    } finally {
      resend.end();
    }
  }

  async drop(chosen: readonly ChosenDeadLetter[], token: string): Promise<DropResult> {
    const held = await this.#hold(token);
    if (held === null) return { dropped: 0, busy: [this.#stores.deadLetters.name] };
    const ids = new Set(chosen.map(({ id }) => id));
    let dropped = 0;
    try {
      for await (const entry of held.entries()) {
        if (!ids.has(held.idOf(entry))) continue;
        await held.remove([entry]);
        dropped++;
      }
    } finally {
      await held.release();
    }
    return { dropped, busy: [] };
  }

  async #hold(token: string): Promise<HeldStream | null> {
    const { deadLetters: store, prefix } = this.#stores;
    const leases = await this.#stores.leases();
    return await holdDeadLetters({ store, leases, prefix, clock: this.#clock, token });
  }

  #placed({ id, entity, project, entry }: StreamDeadLetter): PlacedDeadLetter {
    return {
      id,
      entity,
      project,
      directory: `${entity}/${project}`,
      stem: id.split(":")[0],
      file: this.#stores.deadLetters.name,
      quarantinePath: "",
      entry,
    };
  }
}

const decoder = new TextDecoder();

/** The bytes of a record that could not be read; those of the entry where it has none. */
function rawBytes(line: Uint8Array): Uint8Array {
  try {
    const { bytes } = JSON.parse(decoder.decode(line)) as { bytes?: unknown };
    if (typeof bytes === "string") return fromBase64(bytes);
  } catch {
    // Another program's message.
  }
  return line;
}
