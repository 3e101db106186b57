/**
 * A project whose records have several senders, each in a state of its own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../../support/cli/cli.ts";
import { startCli, type Surroundings, temporary } from "../../support/cli/cli_support.ts";
import { fillableDisk } from "../../support/cli/failing_disks.ts";
import { KEY, leave, sending } from "../../support/cli/flush_fixture.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const NOWHERE = "http://127.0.0.1:9";
const SLOW = { timeout: 120_000 };

interface Status {
  readonly projects: readonly {
    readonly sender: {
      readonly state: string;
      readonly reason: string;
      readonly by: { readonly pid: number; readonly as: string | null } | null;
    };
  }[];
  readonly senders: readonly { readonly server: string; readonly state: string }[];
  readonly advice: readonly { readonly name: string; readonly message: string }[];
}

/** Reports until one fulfills a condition. */
async function statusWith(around: Surroundings, is: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const status: Status = JSON.parse((await cli(["status", "--json"], around)).out);
    if (is(status)) return status;
  }
}

const adviceOf = ({ advice }: Status, name: string): string[] =>
  advice.filter((one) => one.name === name).map(({ message }) => message);

for (const ended of [false, true]) {
  const whose = ended ? "an ended program" : "a program that only writes";
  test(`status: a sidecar that the server rejects blocks the records of ${whose}`, async () => {
    await using place = await temporary();
    await using mock = await startMockServer({ apiKey: KEY });
    const log = openLog(place.wal, NAME, { server: mock.url });
    writeCalls(log, NAME, 3);
    if (ended) await log.finish();
    const around = sending(place.path, mock.url);
    const revoked = {
      ...around,
      env: { ...around.env, WANDB_API_KEY: "a-revoked-key-0123456789" },
    };
    const sidecar = startCli(["flush", "--follow"], revoked);
    await sidecar.sees("Cannot deliver");
    const status = await statusWith(
      around,
      ({ projects }) =>
        projects[0].sender.state !== "sending" && projects[0].sender.by?.as !== "lease-holder",
    );
    const { sender } = status.projects[0];
    assert.deepEqual([sender.state, sender.by?.pid, sender.by?.as], ["blocked", sidecar.pid, null]);
    assert.match(
      adviceOf(status, "server-blocked")[0],
      /\. 6 records pending on disk\. Fix the API/,
    );
    assert.deepEqual(adviceOf(status, "rejected"), [
      `6 records with no process that may send them: the server rejects what pid ${sidecar.pid} sends`,
    ]);
    assert.deepEqual([adviceOf(status, "no-sender"), adviceOf(status, "orphaned")], [[], []]);
    const check = await cli(["status", "--fail-if-blocked", "--fail-if-unsent"], around);
    assert.equal(check.code, 1);
    assert.match(check.err, /\(--fail-if-blocked\): acme\/chat: delivery is blocked: HTTP 403/);
    assert.match(check.err, /\(--fail-if-unsent\): acme\/chat: 6 records pending, and no process/);
    assert.match(check.out, new RegExp(`blocked: HTTP 403: .*\\(pid ${sidecar.pid}\\)`));
    sidecar.kill("SIGTERM");
    await sidecar.ended;
    const after = await statusWith(around, ({ senders }) => senders.length === 0);
    assert.equal(after.projects[0].sender.state, "nobody");
    await log.finish({ timeout: 0 });
  }, SLOW);
}

test(
  "status: every check finds its condition, whatever the other senders of a project do",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer({ apiKey: KEY });
    const blocked = openLog(place.wal, NAME, { server: mock.url, key: "a-revoked-key-0123456789" });
    const down = openLog(place.wal, NAME, { server: NOWHERE, key: KEY });
    writeCalls(blocked, NAME, 1);
    writeCalls(down, NAME, 2);
    await leave(place.wal, NAME, "http://127.0.0.1:10", 4);
    const around = sending(place.path, mock.url);
    await statusWith(
      around,
      ({ senders }) => senders.map(({ state }) => state).sort().join() === "blocked,down",
    );
    const checks = ["--fail-if-blocked", "--fail-if-down", "0s", "--fail-if-unsent"];
    const { code, err } = await cli(["status", ...checks], around);
    assert.equal(code, 1);
    const problems = err.trimEnd().split("\n");
    assert.equal(problems.length, 3, err);
    assert.match(problems[0], /\(--fail-if-blocked\): acme\/chat: delivery is blocked: HTTP 403/);
    assert.match(problems[1], /\(--fail-if-down\): acme\/chat: http:\/\/127\.0\.0\.1:9 has been/);
    assert.match(
      problems[2],
      /\(--fail-if-unsent\): acme\/chat: 8 records pending, and no process/,
    );
    await blocked.finish({ timeout: 0 });
    await down.finish({ timeout: 0 });
  },
  SLOW,
);

test("status: the sender of records that exist only in memory is reported too", async () => {
  await using place = await temporary();
  await using mock = await startMockServer({ apiKey: KEY });
  const { runtime, fill } = fillableDisk();
  const log = openLog(place.wal, NAME, {
    server: mock.url,
    key: "a-revoked-key-0123456789",
    runtime,
  });
  fill();
  writeCalls(log, NAME, 2);
  const around = sending(place.path, mock.url);
  const { projects: [{ sender }] } = await statusWith(
    around,
    ({ senders }) => senders[0]?.state === "blocked",
  );
  assert.deepEqual([sender.state, sender.by?.as], ["blocked", "writer"]);
  const { code, err } = await cli(["status", "--fail-if-blocked"], around);
  assert.equal(code, 1);
  assert.match(err, /\(--fail-if-blocked\): acme\/chat: delivery is blocked: HTTP 403/);
  await log.finish({ timeout: 0 });
}, SLOW);
