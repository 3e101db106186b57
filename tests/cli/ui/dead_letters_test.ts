import assert from "node:assert/strict";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import type {
  DeadLetterDetail,
  DeadLetterPage,
  DeadLetterSelection,
  DeadLetterView,
  StatusView,
} from "../../../src/cli/ui/api_types.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog } from "../../support/cli/written_logs.ts";
import { openUi, type UiFixture } from "../../support/cli/ui_fixture.ts";
import { test } from "../../harness.ts";

const NAME = "acme/chat";
const KEY = "a-secret-key-0123456789";
const REASON = "<b>No sense</b>";

/** Leaves dead letters: feedback that the server rejects. Returns the requests. */
async function reject(wal: string, mock: MockServer, count: number): Promise<string[]> {
  const requests = Array.from(
    { length: count },
    (_, i) =>
      `{"id":"f${i}","project_id":"${NAME}","weave_ref":"weave:///${NAME}/call/c${i}","feedback_type":"custom","payload":{"n":1.0,"big":12345678901234567890}}`,
  );
  const fault = mock.faults.add({ path: /feedback/, status: 422, body: { reason: REASON } });
  const log = openLog(wal, NAME, { server: mock.url, key: KEY });
  for (const request of requests) log.append("feedback_create", request);
  await log.finish();
  fault.remove();
  return requests;
}

async function allDeadLetters(
  ui: UiFixture,
  query: Record<string, string> = {},
): Promise<readonly DeadLetterView[]> {
  const found: DeadLetterView[] = [];
  for (let next: string | null = ""; next !== null;) {
    const page: DeadLetterPage = await ui.get("dead-letters", next === "" ? query : { next });
    assert.ok(page.deadLetters.length <= 50);
    found.push(...page.deadLetters);
    ({ next } = page);
  }
  return found;
}

/** Retries dead letters; resolves with the result. */
async function sendAgain(ui: UiFixture, selection: DeadLetterSelection): Promise<string> {
  const response = await ui.request("/api/dead-letters/retry", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(selection),
  });
  assert.equal(response.status, 200, await response.text());
  for (;;) {
    const { retry } = await ui.get<StatusView>("status");
    if (retry !== null && retry.state !== "running") return `${retry.state}: ${retry.message}`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("ui: dead letters are listed in pages with the server's reason", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const requests = await reject(place.wal, mock, 120);
  await using ui = openUi(place.wal, { server: mock.url });
  const all = await allDeadLetters(ui);
  assert.equal(all.length, 120);
  const { id, directory, type, reason, status, message, server, about, bytes } = all[7];
  assert.deepEqual(
    { type, reason, status, message, about, bytes },
    {
      type: "feedback_create",
      reason: "refused",
      status: 422,
      message: REASON,
      about: "custom",
      bytes: requests[7].length,
    },
  );
  assert.ok(server === null || server === mock.url);
  const { field } = await ui.get<DeadLetterDetail>("dead-letter", { directory, id });
  assert.equal(field.text, requests[7], "byte for byte");
  assert.equal((await allDeadLetters(ui, { reason: "corrupt" })).length, 0);
  assert.equal((await allDeadLetters(ui, { entity: "acme", project: "other" })).length, 0);
});

test("ui: a dead letter is sent again on request, and is then no longer listed", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await reject(place.wal, mock, 3);
  await using ui = openUi(place.wal, { server: mock.url, key: KEY });
  const [first, ...others] = await allDeadLetters(ui);
  const before = mock.store.counts.feedback;
  assert.match(await sendAgain(ui, { ids: [first.id] }), /^done: .* took 1 of 1 dead letter$/);
  assert.equal(mock.store.counts.feedback, before + 1);
  assert.deepEqual((await allDeadLetters(ui)).map(({ id }) => id), others.map(({ id }) => id));
  const { directory, id } = first;
  await assert.rejects(ui.get("dead-letter", { directory, id }), /HTTP 410/);
  mock.faults.add({ path: /feedback/, status: 422, body: { reason: "Still no sense" } });
  assert.match(await sendAgain(ui, {}), /^failed: .* took 0 of 2 dead letters; rejected again: 2$/);
  const [last] = await allDeadLetters(ui);
  assert.deepEqual([last.retries, last.message], [1, "Still no sense"]);
});

test("ui: dead letters of another server stay, and without a key nothing is sent", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await using other = await startMockServer();
  await reject(place.wal, mock, 2);
  await using ui = openUi(place.wal, { server: other.url, key: KEY });
  assert.match(
    await sendAgain(ui, {}),
    /No dead letters to send again; 2 are for another server: .* --server/,
  );
  await using keyless = openUi(place.wal, { server: mock.url });
  assert.match(await sendAgain(keyless, {}), /^failed: .*API key/);
  assert.equal((await allDeadLetters(ui)).length, 2);
  assert.deepEqual(other.journal.entries.filter(({ path }) => path !== "/health"), []);
});

test("ui: dead letters are exported as lines of JSON, byte for byte", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  const requests = await reject(place.wal, mock, 3);
  await using ui = openUi(place.wal, { server: mock.url });
  const all = await allDeadLetters(ui);
  const lines = async (query: string): Promise<string[]> => {
    const response = await ui.request(`/api/dead-letters/export${query}`);
    assert.match(response.headers.get("content-disposition") ?? "", /^attachment/);
    return (await response.text()).trimEnd().split("\n");
  };
  const exported = await lines("");
  assert.equal(exported.length, 3);
  exported.forEach((line, i) => assert.ok(line.endsWith(`"req":${requests[i]}}`), line));
  const [one, ...rest] = await lines(`?id=${encodeURIComponent(all[1].id)}`);
  assert.deepEqual(rest, []);
  assert.equal(JSON.parse(one).id, all[1].id);
  assert.equal((await allDeadLetters(ui)).length, 3, "they stay");
});
