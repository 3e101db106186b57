/**
 * The delivering end of the command.
 *
 * @module
 */

import { DeliveryClient, type DeliveryClientOptions } from "../../delivery/delivery_client.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { DigestMap } from "../../wal/digest_map.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { proxyFetch } from "./proxy_fetch.ts";

/** Requests of one batch under way at once. */
export const MAX_IN_FLIGHT = 4;

/** Who wants to know what happens. */
export type DeliveryListener = Pick<DeliveryClientOptions, "onState" | "onRetry" | "onSwitch">;

/**
 * Makes a delivery client for the server of the settings.
 *
 * @param digestRoot Directory that knows final digests of provisional ones; `null` where none are used.
 */
export function commandClient(
  runtime: Runtime,
  settings: Settings,
  digestRoot: string | null,
  newId: () => string,
  listener: DeliveryListener,
): DeliveryClient {
  return new DeliveryClient({
    ...settings,
    ...listener,
    fetch: proxyFetch(runtime),
    digests: digestRoot === null
      ? new DigestMap(null, "")
      : new DigestMap(runtime.files, digestRoot),
    clock: runtime.clock,
    random: Math.random,
    newId,
    maxInFlight: MAX_IN_FLIGHT,
  });
}
