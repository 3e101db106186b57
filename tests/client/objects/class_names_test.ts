/**
 * Names of classes of this package, which its bundle and bundlers of programs may rename.
 *
 * @module
 */

import assert from "node:assert/strict";
import * as client from "../../../mod.ts";
import { classChain } from "../../../src/client/objects/weave_object.ts";
import { op } from "../../../src/client/op/op.ts";
import { type Any, clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

const { WeaveObject } = client;

/** Classes of the package that are saved as objects, by their names. */
const CLASSES = Object.entries(client).filter(([, value]) =>
  typeof value === "function" && (value === WeaveObject || value.prototype instanceof WeaveObject)
) as [string, Any][];

/** Creates an object without a name. */
function unnamed(type: Any): Any {
  return new type({ rows: [], dataset: [{ n: 1 }], scorers: [], content: "", messages: [] });
}

/** Renames the classes while `body` runs, as a bundler does. */
async function renamed(body: () => Promise<void> | void): Promise<void> {
  for (const [name, type] of CLASSES) {
    Object.defineProperty(type, "name", { value: `${name}$1`, configurable: true });
  }
  try {
    await body();
  } finally {
    for (const [name, type] of CLASSES) {
      Object.defineProperty(type, "name", { value: name, configurable: true });
    }
  }
}

test("class names: an object without a name has that of its class, whatever a bundler made of it", async () => {
  assert.ok(CLASSES.length >= 5, CLASSES.map(([name]) => name).join());
  await renamed(() => {
    for (const [name, type] of CLASSES) {
      const object = unnamed(type);
      assert.equal(object.name, name);
      assert.equal(classChain(object)[0], name === "WeaveObject" ? "Object" : name);
    }
    class Own extends (client.Dataset as Any) {}
    assert.equal(unnamed(Own).name, "Own");
  });
});

test("class names: an evaluation without a name is saved as Evaluation", async () => {
  await renamed(async () => {
    using fixture = await clientFixture();
    const evaluation = new client.Evaluation({
      dataset: new client.Dataset({ rows: [{ n: 1 }] }),
      scorers: [],
    });
    await evaluation.evaluate({ model: op((_: unknown) => 1, { name: "model" }) as Any });
    op(() => new client.Dataset({ rows: [{ n: 1 }] }), { name: "rows" })();
    const ids = fixture.pipeline.of("obj_create").map(({ obj }) => obj.object_id);
    for (const id of ["Evaluation", "Dataset"]) assert.ok(ids.includes(id), ids.join());
    assert.deepEqual(ids.filter((id) => /[$-]1$/.test(id)), []);
  });
});
