import assert from "node:assert/strict";
import { errorCodeProblems } from "../../scripts/check/error_codes.ts";
import { test } from "../harness.ts";

const DECLARATION = ["src/errors.ts", '/** `ERR_FULL` */ type Code = "ERR_FULL" | "ERR_GONE";'];
const THROWN = ["src/log.ts", '// as ERR_GONE\nthrow new CodedError("ERR_FULL", "https://x");'];

function problems(...files: string[][]): string[] {
  return errorCodeProblems(new Map(files as [string, string][]));
}

test("error codes: a code that is declared but only mentioned in a comment is never thrown", () => {
  assert.deepEqual(problems(DECLARATION, THROWN), ["src/errors.ts: ERR_GONE is never thrown"]);
});

test("error codes: a comment or document without a code is reported", () => {
  const other = ["src/other.ts", 'const code = "ERR_GONE"; /** @throws `ERR_EMPTY`. */'];
  const page = ["docs/errors.md", "`ERR_FULL`, `ERR_HALF`"];
  assert.deepEqual(problems(DECLARATION, THROWN, other, page), [
    "src/other.ts: ERR_EMPTY does not exist",
    "docs/errors.md: ERR_HALF does not exist",
  ]);
});
