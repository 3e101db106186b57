import { test } from "./harness.ts";
import assert from "node:assert/strict";
import { join } from "@std/path";
import { parse } from "@std/jsonc";
import { WeaveWalError } from "../src/errors.ts";
test("smoke", () => {
  assert.equal(join("a", "b"), "a/b");
  assert.deepEqual(parse('{/*x*/"a":1,}'), { a: 1 });
  assert.equal(new WeaveWalError("ERR_TIMEOUT", "x").code, "ERR_TIMEOUT");
});
