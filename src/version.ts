/**
 * The package's version, as records and requests tell it.
 *
 * @module
 */

/** Same as in `deno.json` and `package.json`. */
export const VERSION = "0.1.0";
