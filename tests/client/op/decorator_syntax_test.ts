import assert from "node:assert/strict";
import { op } from "../../../src/client/op/op.ts";
import { clientFixture } from "../../support/client/client_fixture.ts";
import { test } from "../../harness.ts";

class Pipeline {
  factor = 2;

  @op
  scale(x: number): number {
    return x * this.factor;
  }

  @op({ name: "pipeline.run", parameterNames: ["x"] })
  async run(x: number): Promise<number> {
    await Promise.resolve();
    return this.scale(x);
  }
}

test("decorator: the syntax works as this runtime compiles it", async () => {
  using fixture = await clientFixture();
  assert.equal(await new Pipeline().run(4), 8);
  const [run] = fixture.pipeline.callsOf("pipeline.run");
  const [scale] = fixture.pipeline.callsOf("Pipeline.scale");
  assert.equal(scale.parent_id, run.id);
  assert.deepEqual(run.inputs, { self: { factor: 2 }, x: 4 });
  assert.equal(scale.output, 8);
});
