import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "../harness.ts";
import { createIds } from "../../src/protocol/ids.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const zeros = (into: Uint8Array) => into.fill(0);
const ones = (into: Uint8Array) => into.fill(0xff);
const random = (into: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(into);

test("a UUIDv7 has time, version, variant and random bits as in RFC 9562", () => {
  // The time in the RFC's example, appendix A.6.
  const now = () => 0x017f22e279b0;
  assert.equal(
    createIds({ now, randomBytes: zeros }).uuidv7(),
    "017f22e2-79b0-7000-8000-000000000000",
  );
  assert.equal(
    createIds({ now, randomBytes: ones }).uuidv7(),
    "017f22e2-79b0-77ff-bfff-ffffffffffff",
  );
});

test("UUIDv7s sort in the order of creation, even if the clock jumps", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5, max: 20 }), { minLength: 50 }), (steps) => {
      let time = 1_700_000_000_000;
      let step = 0;
      const now = () => time += steps[step++ % steps.length] / 3;
      const ids = createIds({ now, randomBytes: random });
      let last = "";
      for (let i = 0; i < 500; i++) {
        const id = ids.uuidv7();
        assert.match(id, UUID_V7);
        assert.ok(id > last, `${id} after ${last}`);
        last = id;
      }
    }),
    { numRuns: 50 },
  );
});

test("UUIDv7s stay unique and ordered past the counter's end within one millisecond", () => {
  const ids = createIds({ now: () => 1_700_000_000_000, randomBytes: ones });
  const made = Array.from({ length: 20_000 }, () => ids.uuidv7());
  assert.equal(new Set(made).size, made.length);
  assert.deepEqual(made, [...made].sort());
});

test("UUIDs of many generators at the same instant do not collide", () => {
  const made = Array.from({ length: 5_000 }, () => {
    const ids = createIds({ now: () => 1_700_000_000_000, randomBytes: random });
    return [ids.uuidv7(), ids.uuidHex()];
  }).flat();
  assert.equal(new Set(made).size, made.length);
});

test("uuidHex is a version 4 UUID without dashes", () => {
  const ids = createIds({ now: Date.now, randomBytes: random });
  const made = Array.from({ length: 1_000 }, () => ids.uuidHex());
  for (const id of made) assert.match(id, /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  assert.equal(new Set(made).size, made.length);
});

test("timestamps have microseconds and otherwise agree with Date", () => {
  const ids = createIds({ now: () => 1_700_000_000_123.456, randomBytes: zeros });
  assert.equal(ids.timestamp(), "2023-11-14T22:13:20.123456Z");
  assert.equal(ids.timestamp(0), "1970-01-01T00:00:00.000000Z");
  assert.equal(ids.timestamp(1_700_000_000_999.9997), "2023-11-14T22:13:20.999999Z");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (ms) => {
      const expected = new Date(ms).toISOString().replace("Z", "000Z");
      assert.equal(ids.timestamp(ms), expected);
    }),
    { numRuns: 1000 },
  );
});

test("a badly wrong clock gives timestamps and ids that the server can parse", () => {
  for (const time of [NaN, -1, -Infinity]) {
    const ids = createIds({ now: () => time, randomBytes: random });
    assert.equal(ids.timestamp(), "1970-01-01T00:00:00.000000Z");
    assert.match(ids.uuidv7(), UUID_V7);
  }
  const ids = createIds({ now: () => Infinity, randomBytes: random });
  assert.equal(ids.timestamp(), "9999-12-31T23:59:59.999000Z");
  assert.match(ids.uuidv7(), UUID_V7);
});
