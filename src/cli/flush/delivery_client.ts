/**
 * Creates the command's delivery client.
 *
 * @module
 */

import { hostFetch } from "../../client/server/host_fetch.ts";
import { DeliveryClient, type DeliveryClientOptions } from "../../delivery/delivery_client.ts";
import type { Settings } from "../../client/settings/settings.ts";
import { DigestMap } from "../../wal/digest_map.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** Maximum number of concurrent requests for one batch. */
export const MAX_IN_FLIGHT = 4;

/** Listener for events of the delivery. */
export type DeliveryListener = Pick<DeliveryClientOptions, "onState" | "onRetry" | "onSwitch">;

/**
 * Makes a delivery client for the server of the settings.
 *
 * @param digestRoot Directory that knows final digests of provisional ones; `null` where none are
 * used.
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
    fetch: hostFetch,
    digests: digestRoot === null
      ? new DigestMap(null, "")
      : new DigestMap(runtime.files, digestRoot),
    clock: runtime.clock,
    random: Math.random,
    newId,
    maxInFlight: MAX_IN_FLIGHT,
  });
}
