import assert from "node:assert/strict";
import { fence } from "../../../src/wal/leases/fence.ts";
import { segmentPaths } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { lineOf, LogFixture } from "../../support/wal/log_fixture.ts";
import { PROJECT } from "../../support/wal/wal_fixture.ts";

test("file log: when a file was removed, the next heartbeat detects it and starts another", () => {
  const fixture = new LogFixture();
  fixture.append("a");
  for (const name of fixture.names()) fixture.runtime.files.remove(`${PROJECT}/${name}`);
  fixture.append("b");
  assert.equal(fixture.detached, 0);
  fixture.log.heartbeat();
  assert.equal(fixture.detached, 1);
  assert.deepEqual(fixture.names(), [], "no sidecars are made for what is not there");
  fixture.append("c");
  assert.deepEqual(fixture.texts(), [lineOf("c")]);
  assert.equal(fixture.segments[0].end(), lineOf("a").length * 2, "the own sender reads on");
});

test("file log: without a sender, records written since the last heartbeat are written again", () => {
  const fixture = new LogFixture({ sender: false });
  fixture.append("a");
  fixture.log.heartbeat();
  fixture.append("b");
  for (const name of fixture.names()) fixture.runtime.files.remove(`${PROJECT}/${name}`);
  fixture.append("c");
  fixture.log.heartbeat();
  assert.deepEqual(fixture.texts(), [lineOf("b") + lineOf("c")]);
});

/** Ways to lose a segment: its file was removed, or another process fenced it. */
const LOSSES: Record<string, (fixture: LogFixture) => void> = {
  removed: (fixture) => {
    for (const name of fixture.names()) fixture.runtime.files.remove(`${PROJECT}/${name}`);
  },
  fenced: (fixture) => {
    const [stem] = fixture.names()[0].split(".");
    fence(fixture.runtime.files, segmentPaths(PROJECT, stem));
  },
};

for (const [how, lose] of Object.entries(LOSSES)) {
  test(`file log: records added to a ${how} segment since the last heartbeat are copied, also if the disk fails then`, async () => {
    for (const by of ["heartbeat", "append", "close"]) {
      const fixture = new LogFixture({ sender: false });
      fixture.append("a");
      fixture.heartbeat();
      fixture.append("b");
      lose(fixture);
      fixture.append("c");
      // Every operation that the next segment needs fails.
      fixture.fault = ({ kind }) => /create|open/.test(kind) ? { code: "ENOSPC" } : undefined;
      assert.throws(() => fixture.log.heartbeat(), { code: "ENOSPC" });
      assert.throws(() => fixture.append("d"), { code: "ENOSPC" });
      await assert.rejects(
        fixture.log.sync(),
        { code: "ENOSPC" },
        "two records are nowhere on disk",
      );
      fixture.fault = () => undefined;
      if (by === "heartbeat") fixture.log.heartbeat();
      else if (by === "append") fixture.append("e");
      else fixture.log.close();
      const rest = by === "append" ? lineOf("e") : "";
      assert.equal(fixture.texts().at(-1), lineOf("b") + lineOf("c") + rest, by);
      await fixture.log.sync();
    }
  });
}
