import assert from "node:assert/strict";
import { readException } from "../../src/protocol/exception_text.ts";
import { test } from "../harness.ts";

test("exception text: the format of the SDKs is parsed, everything else stays as it is", () => {
  const cases: [string, string][] = [
    ['{"type":"ValueError","message":"no way","traceback":[]}', "ValueError: no way"],
    ['{"type":"Error","message":"plain"}', "plain"],
    ['{"message":"without a type"}', "without a type"],
    ['{"type":"T","message":7}', '{"type":"T","message":7}'],
    ["{cut off", "{cut off"],
    ["just text", "just text"],
    ["", ""],
  ];
  for (const [exception, text] of cases) assert.equal(readException(exception), text);
});
