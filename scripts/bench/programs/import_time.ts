/**
 * Measures the first import of a module. Prints one line of JSON.
 *
 * Usage: `import_time.ts <module>`
 *
 * @module
 */

import process from "node:process";

const from = performance.now();
await import(process.argv[2]);
console.log(JSON.stringify({ importMs: performance.now() - from }));
process.exit(0);
