/**
 * Synchronous SHA-256.
 *
 * Refs of published objects must exist before the publishing function returns, and ops of
 * synchronous functions stay synchronous. `crypto.subtle` is asynchronous, and the runtimes'
 * synchronous hashes are not web standards.
 *
 * @module
 */

/** Fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const K = /* @__PURE__ */ new Int32Array(cubeRootFractions(64));

const BLOCK = 64;
/** Length in bytes of the message length at the end of the last block. */
const LENGTH_FIELD = 8;

/** Scratch memory, shared by all calls, since a call never yields. */
const schedule = new Int32Array(64);
const tail = new Uint8Array(2 * BLOCK);
const tailView = new DataView(tail.buffer);

/**
 * Returns the SHA-256 hash of `bytes`, 32 bytes.
 *
 * @example
 * ```ts
 * const hash = sha256(new TextEncoder().encode("abc"));
 * if (hash[0] !== 0xba || hash[31] !== 0xad) throw new Error("not the hash of abc");
 * ```
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const state = new Int32Array([
    0x6a09e667,
    0xbb67ae85,
    0x3c6ef372,
    0xa54ff53a,
    0x510e527f,
    0x9b05688c,
    0x1f83d9ab,
    0x5be0cd19,
  ]);
  const whole = bytes.length - (bytes.length % BLOCK);
  for (let at = 0; at < whole; at += BLOCK) compress(state, bytes, at);

  const rest = bytes.length - whole;
  const tailLength = rest + 1 + LENGTH_FIELD > BLOCK ? 2 * BLOCK : BLOCK;
  tail.fill(0);
  tail.set(bytes.subarray(whole));
  tail[rest] = 0x80;
  // The length in bits takes 64 bits; bytes.length * 8 does not fit into 32.
  tailView.setUint32(tailLength - 8, Math.floor(bytes.length / 0x20000000));
  tailView.setUint32(tailLength - 4, bytes.length << 3);
  for (let at = 0; at < tailLength; at += BLOCK) compress(state, tail, at);

  const hash = new Uint8Array(32);
  const view = new DataView(hash.buffer);
  for (let i = 0; i < 8; i++) view.setInt32(i * 4, state[i]);
  return hash;
}

/** Hashes the block of 64 bytes at `at` into `state` (FIPS 180-4, 6.2.2). */
function compress(state: Int32Array, bytes: Uint8Array, at: number): void {
  const w = schedule;
  for (let i = 0; i < 16; i++, at += 4) {
    w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let a = state[0], b = state[1], c = state[2], d = state[3];
  let e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/**
 * Returns the first 32 bits of the fractional parts of the cube roots of the first `count` primes.
 */
function cubeRootFractions(count: number): number[] {
  const found: number[] = [];
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.some((prime) => n % prime === 0)) continue;
    primes.push(n);
    found.push(cubeRootFraction(n));
  }
  return found;
}

/** Uses integers, because `Math.cbrt` may differ in the last bits between runtimes. */
function cubeRootFraction(n: number): number {
  const scaled = BigInt(n) << 96n;
  let root = 0n;
  for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) {
    const next = root | bit;
    if (next * next * next <= scaled) root = next;
  }
  return Number(root & 0xffffffffn) | 0;
}
