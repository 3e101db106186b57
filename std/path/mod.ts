// The slice of @std/path that this project uses, from the copy of it that npm has (deno-std).
// JSR users get the real jsr:@std/path: deno.json's "links" applies to this checkout only.
// @ts-types="./path.d.ts"
export { basename, dirname, isAbsolute, join, resolve } from "deno-std/path/mod.js";
