/**
 * A log on NATS JetStream, as the commands read it.
 *
 * @module
 */

import { formatAddress } from "../../jetstream/nats/connect.ts";
import { openStores } from "../../jetstream/nats/open_stores.ts";
import type { Context } from "../context.ts";
import type { LogStore } from "../logs/log_store.ts";
import { reaching, streamAddress } from "./log_option.ts";
import { StreamDeadLetters } from "./stream_dead_letters.ts";

/**
 * Runs `use` on the log at an address.
 *
 * @throws {CommandError} if it cannot be reached. @throws {WeaveWalError} `ERR_INVALID_OPTION`.
 */
export async function useStreamStore<Result>(
  { runtime }: Context,
  log: string,
  use: (store: LogStore) => Promise<Result>,
): Promise<Result> {
  const address = await streamAddress(log);
  return await reaching(async () => {
    const stores = await openStores(runtime, address);
    try {
      return await use({
        place: formatAddress(address),
        deadLetters: new StreamDeadLetters(runtime.clock, stores),
      });
    } finally {
      await stores.close();
    }
  });
}
