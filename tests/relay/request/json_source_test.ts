import assert from "node:assert/strict";
import { objectDigest } from "../../../src/protocol/digest/digest.ts";
import { pythonJson } from "../../../src/protocol/digest/python_json.ts";
import {
  JsonObject,
  jsonObject,
  readExact,
  readJson,
} from "../../../src/relay/request/json_source.ts";
import { test } from "../../harness.ts";

const utf8 = new TextEncoder();
const textOf = (json: string): string => readJson(utf8.encode(json)).text;

// Output of json.dumps(json.loads(text)) in CPython 3.11.
const PYTHON: readonly (readonly [string, string])[] = [
  ["1", "1"],
  ["1.0", "1.0"],
  ["1.50", "1.5"],
  ["-0", "0"],
  ["-0.0", "-0.0"],
  ["0.00", "0.0"],
  ["1e5", "100000.0"],
  ["1E5", "100000.0"],
  ["1e16", "1e+16"],
  ["123456789012345680.0", "1.2345678901234568e+17"],
  ["1e-5", "1e-05"],
  ["0.0001", "0.0001"],
  ["0.00001234", "1.234e-05"],
  ["12345678901234567890", "12345678901234567890"],
  ["-9007199254740993", "-9007199254740993"],
  ["0.30000000000000004", "0.30000000000000004"],
  ["1e400", "Infinity"],
  ["-1e400", "-Infinity"],
  ["1e-400", "0.0"],
];

test("relay: numbers are digested as Python reads them, and not as JavaScript does", () => {
  for (const [given, expected] of PYTHON) {
    assert.equal(pythonJson(readExact(given)), expected, given);
    assert.equal(pythonJson(readExact(`{"a":[${given}]}`)), `{"a": [${expected}]}`, given);
  }
  const mixed = '{"b":1.0,"a":"1.0 é","__proto__":{"x":1e2},"a":"last"}';
  assert.equal(
    pythonJson(readExact(mixed)),
    '{"__proto__": {"x": 100.0}, "a": "last", "b": 1.0}',
  );
  assert.notEqual(objectDigest(readExact("1.0")), objectDigest(readExact("1")));
});

test("relay: fields are given as they were written", () => {
  const text = '{ "a" : 1.0 , "b\\u0063": [1, {"x": "]"} ,"\\\\"], "n": null, "o": {"k": 1e2}}';
  const object = new JsonObject(utf8.encode(text));
  assert.equal(object.text("a"), "1.0");
  assert.deepEqual(object.texts("bc"), ["1", '{"x": "]"}', '"\\\\"']);
  assert.equal(object.has("n"), false);
  assert.equal(object.object("o").text("k"), "1e2");
  assert.equal(
    object.members((name) => name !== "n"),
    '"a":1.0,"b\\u0063":[1, {"x": "]"} ,"\\\\"],"o":{"k": 1e2}',
  );
  assert.equal(jsonObject("", '"x":1', ""), '{"x":1}');
  assert.deepEqual(JsonObject.of('{"e":[]}').texts("e"), []);
  for (const broken of ["[1]", "{", '{"a":1}x', '{"a":[1,}']) {
    assert.throws(() => JsonObject.of(broken), TypeError, broken);
  }
  assert.throws(() => object.texts("a"), TypeError);
});

test("relay: a request becomes one line, and halves of surrogate pairs become U+FFFD", () => {
  assert.equal(textOf('{\r\n"a":\n"x\\ny"}'), '{ "a": "x\\ny"}');
  assert.equal(textOf('"\\ud83d\\ude00 \\uD83D\\uDE00"'), '"\\ud83d\\ude00 \\uD83D\\uDE00"');
  assert.equal(textOf('"\\ud83d \\ude00 \\\\ud83d"'), '"\\ufffd \\ufffd \\\\ud83d"');
  assert.throws(() => textOf("{a:1}"), SyntaxError);
  assert.throws(() => readJson(Uint8Array.of(34, 0xff, 34)), TypeError);
});
