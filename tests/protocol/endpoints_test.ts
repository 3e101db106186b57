import assert from "node:assert/strict";
import { test } from "../harness.ts";
import { ENDPOINTS, v2CallPath } from "../../src/protocol/endpoints.ts";
import { RECORD_TYPES } from "../../src/protocol/record_types.ts";

test("every record type has an endpoint", () => {
  assert.deepEqual(Object.keys(ENDPOINTS).sort(), [...RECORD_TYPES].sort());
});

test("endpoints are absolute paths, and those with a batch define its items", () => {
  for (const [type, endpoint] of Object.entries(ENDPOINTS)) {
    for (const path of [...endpoint.paths, endpoint.batch ?? "/"]) assert.match(path, /^\//, type);
    assert.equal(endpoint.batch === undefined, endpoint.batchItem === undefined, type);
  }
  assert.deepEqual(ENDPOINTS.file_create.paths, ["/files/create", "/file/create"]);
});

test("v2CallPath escapes entity and project", () => {
  assert.equal(v2CallPath("a/b", "c d?", "call/end"), "/v2/a%2Fb/c%20d%3F/call/end");
});
