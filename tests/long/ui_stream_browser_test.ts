/**
 * The page of `weave-wal ui --log` in a real Chromium, with a real server of NATS.
 *
 * @module
 */

import assert from "node:assert/strict";
import { noBrowser, openPage, startBrowser } from "../support/browser.ts";
import { startUi } from "../support/cli/ui_process.ts";
import { call, idOf, NAME } from "../support/jetstream/stream_calls.ts";
import { withoutNats } from "../support/jetstream/nats_server.ts";
import { openStreamFixture, refuse } from "../support/jetstream/stream_fixture.ts";
import { test } from "../harness.ts";

const OPTIONS = { timeout: 240_000, skip: withoutNats || noBrowser };

test("ui: Chromium shows a stream, its traces and its dead letters", async () => {
  await using fixture = await openStreamFixture(4, 10_000_000);
  const { log, mock, surroundings } = fixture;
  await refuse(fixture, NAME, 1);
  await fixture.write(
    NAME,
    [
      call(idOf(1), { second: 1 }),
      call(idOf(2), { parent: idOf(1), second: 2, start: { inputs: { question: "why" } } }),
      call(idOf(3), { parent: idOf(2), second: 3, end: { exception: "no tokens" } }),
    ].flat(),
  );
  await using ui = await startUi(["--log", log], surroundings);
  await using browser = await startBrowser();
  await using opened = await openPage(browser, ui.url);
  const { page, problems } = opened;
  await page.getByText(log, { exact: true }).waitFor();
  const projects = page.getByRole("region", { name: "Projects" });
  await projects.getByText("nobody").waitFor();
  assert.deepEqual(await projects.getByRole("columnheader").allTextContents(), [
    "Project",
    "Sender",
    "Pending",
    "Records",
    "Oldest",
    "Dead letters",
    "Quota",
  ]);
  assert.equal(await page.getByText("Rate", { exact: true }).count(), 0);
  assert.equal(await page.getByText("Writers", { exact: true }).count(), 0);
  await page.getByText(/flush --follow --log nats:/).waitFor();
  await page.getByRole("link", { name: NAME }).click();
  await page.getByRole("button", { name: /^op-1 .*3 calls/ }).click();
  await page.getByRole("treeitem", { name: /op-3.*no tokens/ }).waitFor();
  await page.getByRole("treeitem", { name: "op-2" }).click();
  const details = page.getByRole("region", { name: "Call op-2" });
  await details.locator("pre", { hasText: '"why"' }).waitFor();
  await details.locator("pre", { hasText: '"out"' }).waitFor();
  await page.getByRole("link", { name: /^Dead letters/ }).click();
  const item = page.getByRole("list", { name: "Dead letters" }).getByRole("listitem");
  await item.getByText("No sense").waitFor();
  const stored = mock.store.counts.feedback;
  await item.getByRole("button", { name: "Send again" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Send again" }).click();
  await page.getByRole("status").getByText("took 1 of 1 dead letter").waitFor();
  await page.getByText("No dead letters.").waitFor();
  assert.equal(mock.store.counts.feedback, stored + 1);
  assert.deepEqual(problems, []);
}, OPTIONS);

test("ui: Chromium follows a stream that is drained", async () => {
  await using fixture = await openStreamFixture(2);
  const { log, surroundings } = fixture;
  await fixture.write(NAME, [1, 2, 3].flatMap((number) => call(idOf(number))));
  await using ui = await startUi(["--log", log], surroundings);
  await using browser = await startBrowser();
  await using opened = await openPage(browser, `${ui.url}#traces`);
  const { page, problems } = opened;
  await page.getByRole("button", { name: /3 calls/ }).waitFor();
  assert.equal((await fixture.run("flush")).code, 0);
  await page.getByText("Nothing is pending in the stream.").waitFor();
  assert.deepEqual(problems, []);
}, OPTIONS);
