// deno-std ships without types; tsc takes them from the files that Deno is pointed to.
declare module "deno-std/path/mod.js" {
  export * from "@std-types/path";
}
declare module "deno-std/jsonc/mod.js" {
  export * from "@std-types/jsonc";
}
