import assert from "node:assert/strict";
import { WeaveWalError } from "../src/errors.ts";
import { test } from "./harness.ts";

test("errors: an error has a status and a cause only if there are some", () => {
  const plain = new WeaveWalError("ERR_NOT_INITIALIZED", "Cannot find a client");
  assert.deepEqual(Object.keys(plain).sort(), ["code", "name"]);
  assert.equal("cause" in plain, false);
  const cause = new Error("HTTP 503");
  const failed = new WeaveWalError("ERR_REQUEST_FAILED", "Cannot read", { cause, status: 503 });
  assert.deepEqual([failed.status, failed.cause], [503, cause]);
});
