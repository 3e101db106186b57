import assert from "node:assert/strict";
import { openPipeline } from "../../src/client/pipeline/create_pipeline.ts";
import { fence } from "../../src/wal/leases/fence.ts";
import { segmentPaths } from "../../src/wal/segment/segment_name.ts";
import { test } from "../harness.ts";
import { start } from "../support/delivery/delivery_fixture.ts";
import { LogWorld, PROJECT } from "../support/wal/wal_fixture.ts";

/** Losses of the segments of a program whose sender waits for the server. */
const LOSSES = {
  "the user deleted": () => {},
  "another process took over and sent": fence,
};

for (const [what, before] of Object.entries(LOSSES)) {
  for (const count of [2, 6, 30]) {
    test(`lost segments: after ${count} that ${what}, a program sends what it writes next`, async () => {
      const world = new LogWorld();
      const { clock, server } = world;
      const runtime = world.process();
      // A segment for each record.
      const pipeline = openPipeline(world.options(runtime, { segmentBytes: 1 }));
      server.refuse = () => ({ status: 503, body: {} });
      for (let n = 0; n < count; n++) pipeline.append("call_start", start(`lost${n}`));
      await clock.elapse(1_000);
      const other = world.process().files;
      for (const name of world.names().filter((name) => name.endsWith(".jsonl"))) {
        before(other, segmentPaths(PROJECT, name.split(".")[0]));
        other.remove(`${PROJECT}/${name}`);
      }
      pipeline.append("call_start", start("next"));
      server.refuse = () => null;
      const finishing = pipeline.finish({ timeout: 60_000 });
      await clock.elapse(60_000);
      assert.equal((await finishing).done, true);
      assert.ok(server.taken.some(({ value }) => value.id === "next"));
      runtime.exit();
    });
  }
}
