/**
 * The delivering end of the command.
 *
 * @module
 */

import { Deliverer, type DelivererOptions } from "../../delivery/delivery_client.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { DigestBook } from "../../wal/digest_map.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { proxyFetch } from "./proxy_fetch.ts";

/** Requests of one window under way at once. */
export const MAX_IN_FLIGHT = 4;

/** Who wants to know what happens. */
export type DeliveryListener = Pick<DelivererOptions, "onState" | "onRetry" | "onSwitch">;

/** Makes a deliverer for the server of the settings. */
export function commandClient(
  runtime: Runtime,
  settings: Settings,
  newId: () => string,
  listener: DeliveryListener,
): Deliverer {
  return new Deliverer({
    ...settings,
    ...listener,
    fetch: proxyFetch(runtime),
    digests: new DigestBook(runtime.files, settings.walDir),
    clock: runtime.clock,
    random: Math.random,
    newId,
    maxInFlight: MAX_IN_FLIGHT,
  });
}
