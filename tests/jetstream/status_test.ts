import assert from "node:assert/strict";
import { test } from "../harness.ts";
import { startCli } from "../support/cli/cli_support.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import {
  feedback,
  openStreamFixture,
  type StreamFixture,
} from "../support/jetstream/stream_fixture.ts";

const options = { skip: withoutNats, timeout: 120_000 };
const NAME = "acme/chat";

async function report({ run }: StreamFixture) {
  const { out, err } = await run("status", "--json");
  assert.equal(err, "");
  return JSON.parse(out);
}

/** Waits for a state of the first project's sender. */
async function senderState(fixture: StreamFixture, wanted: string) {
  for (;;) {
    const { projects: [project] } = await report(fixture);
    if (project?.sender.state === wanted) return project.sender;
  }
}

test("status --log: what is pending, by project, and that nobody sends it", async () => {
  await using fixture = await openStreamFixture();
  const { run, log } = fixture;
  const empty = await run("status");
  assert.match(empty.out, /0 projects · 0 partitions · nothing pending/);
  await fixture.write(NAME, [feedback(NAME, "a"), feedback(NAME, "b")]);
  await fixture.write(NAME, [feedback(NAME, "c")]);
  await fixture.write("acme/eval", [feedback("acme/eval", "d")]);
  const status = await report(fixture);
  assert.equal(status.log, log);
  assert.deepEqual(
    status.projects.map((project: Record<string, unknown>) => [
      project.project,
      project.pendingRecords,
      project.pendingEstimated,
    ]),
    [["chat", 3, false], ["eval", 1, false]],
  );
  const bytes = [feedback(NAME, "a"), feedback(NAME, "b"), feedback(NAME, "c")]
    .reduce((sum, [type, request]) => sum + `{"type":"${type}","req":${request}}\n`.length, 0);
  assert.equal(status.projects[0].pendingBytes, bytes);
  assert.ok(Math.abs(Date.parse(status.oldest) - Date.now()) < 600_000, status.oldest);
  assert.equal(status.projects[0].sender.state, "nobody");
  const text = await run("status", "--fail-if-unsent", "--fail-if-older", "1h", "--project", NAME);
  assert.equal(text.code, 1);
  assert.match(text.out, /^PROJECT +PARTITIONS +RECORDS +SIZE +OLDEST +DEAD LETTERS +SENDER$/m);
  assert.match(text.out, /^acme\/chat +1 +3 .* nobody$/m);
  assert.match(text.out, new RegExp(`weave-wal flush --follow --log ${log}$`, "m"));
  assert.match(text.err, /^Check failed \(--fail-if-unsent\): acme\/chat: 3 records pending/m);
  assert.doesNotMatch(text.err, /older/);
  const other = await run("status", "--server", "http://127.0.0.1:9", "--json");
  assert.deepEqual(JSON.parse(other.out).projects, []);
}, options);

test("status --log: a sender's state, a server that is down, dead letters, metrics", async () => {
  await using fixture = await openStreamFixture(1);
  const { run, mock, log } = fixture;
  const down = mock.faults.add({ path: /feedback/, status: 503 });
  const args = ["flush", "--follow", "--json", "--metrics", "127.0.0.1:0", "--log", log];
  const sender = startCli(args, fixture.surroundings);
  await sender.sees('"metrics"');
  const [, url] = /Serving metrics at ([^"]+)/.exec(sender.out())!;
  await fixture.write(NAME, [feedback(NAME, "a"), feedback(NAME, "poison")]);
  const { by, reason } = await senderState(fixture, "down");
  assert.equal(by.pid, sender.pid);
  assert.equal(by.liveness, "alive");
  assert.match(reason, /503/);
  const failed = await run("status", "--fail-if-down", "1ms", "--fail-if-unsent");
  assert.equal(failed.code, 1);
  assert.match(failed.err, /has been unreachable for/);
  assert.doesNotMatch(failed.err, /unsent/);
  mock.faults.add({ bodyHas: '"poison"', status: 422, body: { reason: "No sense" } });
  down.remove();
  await run("flush", "--timeout", "1m");
  const status = await report(fixture);
  assert.equal(status.projects[0].deadLetters.total, 1);
  assert.equal(status.projects[0].deadLetters.last.message, "No sense (HTTP 422)");
  assert.equal(status.pendingRecords, 0);
  const checked = await run("status", "--fail-if-dead-letters", "--fail-if-quota", "0");
  assert.equal(checked.code, 1);
  assert.match(checked.err, /acme\/chat: 1 dead letter$/m);
  assert.match(checked.out, /weave-wal dead-letters list --entity acme --project chat --log/);
  for (
    const metrics of [
      (await run("status", "--openmetrics")).out,
      await (await fetch(url)).text(),
    ]
  ) {
    assert.match(metrics, /^weave_wal_dead_letters\{.*reason="refused"\} 1$/m);
    assert.match(metrics, /^weave_wal_quota_limit_bytes\{[^}]*\} 10737418240$/m);
    assert.match(metrics, /^weave_wal_sender_state\{.*process="\d+@/m);
  }
  sender.kill("SIGTERM");
  assert.equal((await sender.ended).code, 0, sender.err());
  // Its key is removed when it exits.
  assert.deepEqual((await report(fixture)).senders, []);
}, options);

test("status --log: a full stream, and a sender that is blocked, fail their checks", async () => {
  await using fixture = await openStreamFixture(1, 20_000);
  const { run, mock, log } = fixture;
  mock.faults.add({ path: /feedback/, status: 401 });

  const large = feedback(NAME, "x".repeat(9_500));
  await fixture.write(NAME, [large]);
  await fixture.write(NAME, [large]).catch(() => {});
  const sender = startCli(["flush", "--follow", "--log", log], fixture.surroundings);
  await senderState(fixture, "blocked");
  const { code, err } = await run("status", "--fail-if-blocked", "--fail-if-quota", "40");
  assert.equal(code, 1);
  assert.match(err, /\(--fail-if-blocked\): acme\/chat: delivery is blocked/);
  assert.match(
    err,
    /\(--fail-if-quota\): acme\/chat: \d+% of the stream's --max-log used, over 40%/,
  );
  sender.kill("SIGTERM");
  await sender.ended;
}, options);
