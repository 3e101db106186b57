/** Rows of a dataset are copies that run no code of the program. */

import { strict as assert } from "node:assert";
import { Dataset } from "../../../mod.ts";
import { test } from "../../harness.ts";

test("rows: a copy runs no getter until it is read", () => {
  let runs = 0;
  const row = {
    get computed(): number {
      return ++runs;
    },
    get failing(): never {
      throw new Error("must not run");
    },
    plain: "a",
  };
  const copy = new Dataset({ name: "getters", rows: [row] }).getRow(0);
  assert.equal(runs, 0);
  assert.equal(copy.plain, "a");
  assert.equal(copy.computed, 1);
  assert.deepEqual(Object.keys(copy), ["computed", "failing", "plain"]);
});

test("rows: a copy can be changed, and the row stays as it is", () => {
  const symbol = Symbol("s");
  const rows = [
    Object.freeze({ n: 1 }),
    Object.defineProperty({ n: 1 }, "hidden", { value: 2, enumerable: false }),
    Object.assign(JSON.parse('{"__proto__":{"x":1},"n":1}'), { [symbol]: 3 }),
    new (class Row {
      n = 1;
    })(),
  ];
  const dataset = new Dataset<{ n: number }>({ name: "kinds", rows });
  for (const [index, row] of rows.entries()) {
    const copy = dataset.getRow(index);
    assert.deepEqual(Reflect.ownKeys({ ...copy }), Reflect.ownKeys({ ...row }));
    copy.n = 2;
    assert.equal(row.n, 1);
    assert.equal(copy.n, 2);
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  }
});
