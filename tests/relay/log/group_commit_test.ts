import assert from "node:assert/strict";
import { GroupCommit } from "../../../src/relay/log/group_commit.ts";
import { test } from "../../harness.ts";

/** Syncs that the test completes. */
function heldSyncs() {
  const syncs: { end: () => void; fail: (error: Error) => void }[] = [];
  const commits = new GroupCommit(() =>
    new Promise((end, fail) => {
      syncs.push({ end, fail });
    })
  );
  return { syncs, commits };
}

test("group commit: records appended during a sync share the next one", async () => {
  const { syncs, commits } = heldSyncs();
  const done: number[] = [];
  const commit = (number: number) => commits.commit().then(() => void done.push(number));
  const first = commit(1);
  const later = [commit(2), commit(3), commit(4)];
  assert.equal(syncs.length, 1);
  syncs[0].end();
  await first;
  assert.deepEqual(done, [1], "the sync had begun before the later appends");
  while (syncs.length < 2) await new Promise((resolve) => setTimeout(resolve));
  syncs[1].end();
  await Promise.all(later);
  assert.equal(syncs.length, 2);
  assert.deepEqual(done, [1, 2, 3, 4]);
});

test("group commit: a failed sync rejects the appends that waited for it, and not later ones", async () => {
  const { syncs, commits } = heldSyncs();
  const first = commits.commit();
  const second = commits.commit();
  syncs[0].fail(new Error("no disk"));
  await assert.rejects(first, /no disk/);
  while (syncs.length < 2) await new Promise((resolve) => setTimeout(resolve));
  syncs[1].end();
  await second;
});
