// The slice of @std/jsonc that this project uses, from the copy of it that npm has (deno-std).
// @ts-types="./jsonc.d.ts"
export { parse } from "deno-std/jsonc/mod.js";
