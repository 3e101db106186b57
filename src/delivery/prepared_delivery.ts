/**
 * A batch on its way out.
 *
 * @module
 */

import type { DeadLetter } from "../wal/segment/segment.ts";

/** A batch that is made ready to be delivered; nothing of it is sent yet. */
export interface Delivery {
  /**
   * Whether it may be on its way together with others of the same log that are independent too: it
   * holds nothing but calls, and no end whose start may have been sent before.
   */
  readonly independent: boolean;
  /**
   * Delivers it and returns the records that the server will not have, with the reasons. Throws
   * `Stopped` when it was stopped first, or what its permit throws, and nothing may be acknowledged
   * then.
   */
  readonly send: () => Promise<DeadLetter[]>;
}
