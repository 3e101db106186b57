/**
 * IDs and timestamps of calls, created with the record, so that resending it sends the same bytes.
 *
 * @module
 */

/** Sources of time and randomness. */
export interface IdSources {
  /** Returns the wall-clock time, epoch ms, with fractions if the runtime has them. */
  readonly now: () => number;
  /** Fills the array with random bytes, as `crypto.getRandomValues` does. */
  readonly randomBytes: (into: Uint8Array<ArrayBuffer>) => unknown;
}

/** Creates IDs and timestamps. */
export interface Ids {
  /**
   * Returns the current time, epoch ms. Pass it to the methods below to read the clock only once.
   */
  now(): number;
  /**
   * Returns a UUIDv7 (RFC 9562) in text form, for calls and traces. IDs from one instance sort in
   * the order of their creation, even within a millisecond and when the clock stops or goes back.
   *
   * @param time Its time, epoch ms; now by default.
   */
  uuidv7(time?: number): string;
  /** Returns a random UUID (version 4) as 32 hex digits. */
  uuidHex(): string;
  /**
   * Formats the current time, or `time` (epoch ms), as ISO 8601 in UTC with microseconds:
   * `2025-01-31T23:59:59.123456Z`. Times outside the years 1970 to 9999 are clamped, because the
   * server rejects them.
   */
  timestamp(time?: number): string;
}

/** Small, so that programs that create few IDs draw little randomness. */
const POOL_BYTES = 1024;
const LAST_TIME = 253402300799999;
/** The counter has 12 bits and starts in the lower half, so that it can count up. */
const COUNTER_START_MASK = 0x7ff;
const COUNTER_MAX = 0xfff;

const HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

const THREE_DIGITS: readonly string[] = Array.from(
  { length: 1000 },
  (_, number) => String(number).padStart(3, "0"),
);

/**
 * Creates IDs from a clock and a random source.
 *
 * @example
 * ```ts
 * const ids = createIds({ now: Date.now, randomBytes: (into) => crypto.getRandomValues(into) });
 * if (!(ids.uuidv7() < ids.uuidv7())) throw new Error("not in order");
 * ```
 */
export function createIds({ now, randomBytes }: IdSources): Ids {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  /** Returns the position of `count` fresh random bytes in the pool. */
  const draw = (count: number): number => {
    if (used + count > POOL_BYTES) {
      randomBytes(pool);
      used = 0;
    }
    used += count;
    return used - count;
  };

  let lastMs = -1;
  let counter = 0;
  let msText = "";
  const setMs = (ms: number): void => {
    lastMs = ms;
    const hex = ms.toString(16).padStart(12, "0");
    msText = hex.slice(0, 8) + "-" + hex.slice(8) + "-";
    const at = draw(2);
    counter = ((pool[at] << 8) | pool[at + 1]) & COUNTER_START_MASK;
  };

  let lastSecond = -1;
  let secondText = "";

  return {
    now,
    uuidv7(time = now()) {
      const ms = Math.floor(clamp(time));
      if (ms > lastMs) setMs(ms);
      else if (++counter > COUNTER_MAX) setMs(lastMs + 1);
      const i = draw(8);
      return msText + HEX[0x70 | (counter >> 8)] + HEX[counter & 0xff] + "-" +
        HEX[0x80 | (pool[i] & 0x3f)] + HEX[pool[i + 1]] + "-" +
        HEX[pool[i + 2]] + HEX[pool[i + 3]] + HEX[pool[i + 4]] + HEX[pool[i + 5]] +
        HEX[pool[i + 6]] + HEX[pool[i + 7]];
    },
    uuidHex() {
      const start = draw(16);
      let text = "";
      for (let i = 0; i < 16; i++) {
        let byte = pool[start + i];
        if (i === 6) byte = 0x40 | (byte & 0x0f);
        else if (i === 8) byte = 0x80 | (byte & 0x3f);
        text += HEX[byte];
      }
      return text;
    },
    timestamp(time = now()) {
      const ms = clamp(time);
      const second = Math.floor(ms / 1000);
      if (second !== lastSecond) {
        lastSecond = second;
        secondText = new Date(second * 1000).toISOString().slice(0, 20);
      }
      const micros = Math.min(Math.round((ms - second * 1000) * 1000), 999999);
      const whole = (micros / 1000) | 0;
      return secondText + THREE_DIGITS[whole] + THREE_DIGITS[micros - whole * 1000] + "Z";
    },
  };
}

/** Clamps a time: clocks can be wrong, and the server must accept the request. */
function clamp(time: number): number {
  return time > 0 ? Math.min(time, LAST_TIME) : 0;
}
