import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { test } from "../../harness.ts";
import { pythonJson } from "../../../src/protocol/digest/python_json.ts";
import vectors from "../../support/data/python-json-vectors.json" with { type: "json" };

/** Numbers of every size, in notations that differ between JavaScript and Python. */
const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: -330, max: 304 }))
    .map(([digits, exponent]) => Number(`${digits}e${exponent}`)),
  fc.tuple(fc.double({ min: 1, max: 10, noNaN: true }), fc.integer({ min: -8, max: 24 }))
    .map(([mantissa, exponent]) => mantissa * 10 ** exponent),
  fc.constantFrom(0, -0, 1e-4, 9.9999e-5, 1e-5, 1e-6, 1e-7, 1e15, 1e16, 1e20, 1e21, 1e22, 5e-324),
);
/** Text with characters that JavaScript and Python escape or sort differently. */
const anyText = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.array(
    fc.constantFrom("a", "\x00", "\x1f", "\x7f", "\x80", "\ud800", "\udfff", "😀", "\uffff", '"'),
    { maxLength: 5 },
  ).map((units) => units.join("")),
);
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    anyNumber,
    anyText,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.uniqueArray(fc.tuple(anyText, tie("value")), { selector: ([key]) => key, maxLength: 6 })
      .map((entries) => JSON.parse(JSON.stringify(Object.fromEntries(entries)))),
  ),
})).value;

const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** Formats lines of JSON with Python. */
function askPython(lines: readonly string[]): string[] {
  // Reads everything before printing: Deno's spawnSync writes all of its input before it
  // reads.
  const program = "import json, sys\n" +
    "for line in sys.stdin.buffer.read().splitlines():\n" +
    "    print(json.dumps(json.loads(line), sort_keys=True))\n";
  const { status, stdout, stderr } = spawnSync("python3", ["-c", program], {
    input: lines.join("\n") + "\n",
    maxBuffer: 1 << 28,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").slice(0, -1);
}

test("pythonJson matches Python's output for the stored texts", () => {
  assert.ok(vectors.length > 100);
  for (const [wire, expected] of vectors) {
    assert.equal(pythonJson(JSON.parse(wire)), expected, wire);
  }
});

test("pythonJson agrees with Python on random values", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const values = fc.sample(anyJson, { numRuns: 3000, seed });
  const printed = askPython(values.map((value) => JSON.stringify(value)));
  assert.equal(printed.length, values.length);
  values.forEach((value, i) => assert.equal(pythonJson(value), printed[i], `seed ${seed}, ${i}`));
}, { skip: !hasPython && "python3 is not on this machine" });

test("pythonJson reads a value as JSON does: text of the value is text of what the wire holds", () => {
  const anyValue = fc.anything({ withDate: true, withBoxedValues: true, withNullPrototype: true });
  fc.assert(
    fc.property(anyValue, (value) => {
      const wire = JSON.stringify(value) as string | undefined;
      assert.equal(pythonJson(value), wire === undefined ? "null" : pythonJson(JSON.parse(wire)));
    }),
    { numRuns: 1000 },
  );
  const odd = { a: { toJSON: () => undefined }, b: () => 1, c: Symbol("x"), d: new Date(0) };
  assert.equal(pythonJson(odd), '{"d": "1970-01-01T00:00:00.000Z"}');
  assert.throws(() => pythonJson({ a: 1n }), TypeError);
});

test("pythonJson treats __proto__ as an ordinary key", () => {
  const value = JSON.parse('{"z":1,"__proto__":{"a":2}}');
  assert.equal(pythonJson(value), '{"__proto__": {"a": 2}, "z": 1}');
});

test("pythonJson supports a thousand levels of nesting", () => {
  const wire = "[".repeat(1000) + "]".repeat(1000);
  assert.equal(pythonJson(JSON.parse(wire)), wire);
});
