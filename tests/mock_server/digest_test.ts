import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  bytesDigest,
  pythonJson,
  readCanonical,
  tableDigest,
  valueDigest,
} from "../../tools/mock_server/store/digest.ts";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { internalIdOf } from "../../tools/mock_server/store/store.ts";
import { test } from "../harness.ts";
import { post, PROJECT, send } from "../support/mock_server/mock_requests.ts";

const VECTORS: {
  object: { val: unknown; digest: string }[];
  table: { rows: unknown[]; row_digests: string[]; digest: string }[];
  file: { text: string; digest: string }[];
} = JSON.parse(
  readFileSync(new URL("../support/data/digest-vectors.json", import.meta.url), "utf8"),
);

const python = (json: string): string => pythonJson(readCanonical(json));

test("mock: its digests are those of the vectors", () => {
  for (const { val, digest } of VECTORS.object) {
    assert.equal(valueDigest(readCanonical(JSON.stringify(val))), digest, JSON.stringify(val));
  }
  for (const { rows, row_digests, digest } of VECTORS.table) {
    assert.deepEqual(
      rows.map((row) => valueDigest(readCanonical(JSON.stringify(row)))),
      row_digests,
    );
    assert.equal(tableDigest(row_digests), digest);
  }
  for (const { text, digest } of VECTORS.file) assert.equal(bytesDigest(text), digest);
});

test("mock: numbers are printed as Python prints them", () => {
  const numbers = {
    "1": "1",
    "1.0": "1.0",
    "-0": "0",
    "-0.0": "-0.0",
    "1e5": "100000.0",
    "1E+16": "1e+16",
    "1e15": "1000000000000000.0",
    "123456789012345680.5": "1.2345678901234568e+17",
    "123456789012345678901234567890": "123456789012345678901234567890",
    "0.0001": "0.0001",
    "0.00001": "1e-05",
    "0.00012345": "0.00012345",
    "-2.5": "-2.5",
    "5e-324": "5e-324",
    "1.5e300": "1.5e+300",
    "1e400": "Infinity",
  };
  for (const [json, expected] of Object.entries(numbers)) assert.equal(python(json), expected);
});

test("mock: text, keys and containers are printed as Python prints them", () => {
  assert.equal(python(" [ ] "), "[]");
  assert.equal(python('{"b": [1,{}] , "a":null}'), '{"a": null, "b": [1, {}]}');
  assert.equal(python('"\\u007f\\u2028é\\/\\"\\\\"'), '"\\u007f\\u2028\\u00e9/\\"\\\\"');
  assert.equal(python('{"😀":true,"\uffff":false}'), '{"\\uffff": false, "\\ud83d\\ude00": true}');
  assert.equal(python('{"__proto__":1,"a":2,"a":3}'), '{"__proto__": 1, "a": 3}');
});

test("mock: a string of twenty megabytes is digested", () => {
  const text = JSON.stringify("x\\".repeat(10_000_000));
  assert.equal(python(text), text);
});

test("mock: objects and tables answer with their digests", async () => {
  await using mock = await startMockServer();
  for (const { val, digest } of VECTORS.object) {
    const obj = { project_id: PROJECT, object_id: "thing", val, expected_digest: digest };
    const answer = await post(mock, "/obj/create", { obj });
    assert.deepEqual(answer.json, { digest, object_id: "thing" });
  }
  for (const { rows, row_digests, digest } of VECTORS.table) {
    const answer = await post(mock, "/table/create", {
      table: { project_id: PROJECT, rows, expected_digest: digest },
    });
    assert.deepEqual(answer.json, { digest, row_digests });
    const again = await post(mock, "/table/create_from_digests", {
      project_id: PROJECT,
      row_digests,
      expected_digest: digest,
    });
    assert.deepEqual(again.json, { digest });
  }
  assert.equal(mock.store.counts.danglingRows, 0);
  assert.equal(mock.store.counts.duplicateTables, VECTORS.table.length);
});

test("mock: a digest that differs from the expected one is 409 and stores nothing", async () => {
  await using mock = await startMockServer();
  const wrong = { project_id: PROJECT, expected_digest: "wrong" };
  const answers = [
    await post(mock, "/obj/create", { obj: { ...wrong, object_id: "o", val: 1 } }),
    await post(mock, "/table/create", { table: { ...wrong, rows: [{}] } }),
    await post(mock, "/table/create_from_digests", { ...wrong, row_digests: [] }),
  ];
  for (const answer of answers) {
    assert.equal(answer.status, 409);
    assert.match(answer.json.reason, /digest wrong != server digest \w+$/);
  }
  assert.equal(mock.store.counts.objects, 0);
  assert.equal(mock.store.counts.tables, 0);
});

test("mock: 1.0 and 1 are different values, as they are for Python", async () => {
  await using mock = await startMockServer();
  const create = async (number: string) => {
    const body = `{"obj":{"project_id":"${PROJECT}","object_id":"o","val":{"n":${number}}}}`;
    return (await send(`${mock.url}/obj/create`, { method: "POST", body })).json.digest;
  };
  assert.notEqual(await create("1.0"), await create("1"));
  assert.equal(await create("1"), bytesDigest('{"n": 1}'));
});

test("mock: refs in a value are digested with internal project ids", async () => {
  await using mock = await startMockServer();
  const info = await post(mock, "/service/projects_info", { project_ids: [PROJECT] });
  const [{ external_project_id, internal_project_id }] = info.json;
  assert.equal(external_project_id, PROJECT);
  assert.equal(internal_project_id, internalIdOf(PROJECT));

  const val = { rows: `weave:///${PROJECT}/table/abc`, text: `see weave:///${PROJECT}/call/1` };
  const answer = await post(mock, "/obj/create", {
    obj: { project_id: PROJECT, object_id: "set", val },
  });
  assert.equal(
    answer.json.digest,
    bytesDigest(
      `{"rows": "weave-trace-internal:///${internal_project_id}/table/abc", "text": "${val.text}"}`,
    ),
  );
  assert.deepEqual(mock.store.object(PROJECT, "set")!.val, val);
});

test("mock: the digest of a builtin class is not that of its value", async () => {
  await using mock = await startMockServer();
  const val = { name: "n" };
  const answer = await post(mock, "/obj/create", {
    obj: { project_id: PROJECT, object_id: "o", val, builtin_object_class: "Leaderboard" },
  });
  assert.equal(answer.status, 200);
  assert.notEqual(answer.json.digest, valueDigest(readCanonical(JSON.stringify(val))));
});

test("mock: row digests that name unknown rows are counted", async () => {
  await using mock = await startMockServer();
  await post(mock, "/table/create_from_digests", { project_id: PROJECT, row_digests: ["a", "b"] });
  assert.equal(mock.store.counts.danglingRows, 2);
});
