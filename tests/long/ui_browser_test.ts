/**
 * The page of `weave-wal ui` in a real Chromium.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "@std/path";
import type { Page } from "playwright-core";
import { type MockServer, startMockServer } from "../../tools/mock_server/serve.ts";
import { type Running, startCli, startProgram, temporary } from "../support/cli/cli_support.ts";
import { endCall, openLog, startCall, writeCalls } from "../support/cli/written_logs.ts";
import { noBrowser, openPage, startBrowser } from "../support/browser.ts";
import { test } from "../harness.ts";

const NAME = "acme/chat";
const KEY = "a-secret-key-0123456789";
const HOSTILE = `<img src=x onerror="alert(1)"><script>alert(2)</script></pre><b>bold</b>`;
const OPTIONS = { timeout: 240_000, skip: noBrowser };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Place {
  readonly path: string;
  readonly wal: string;
}

/** Starts the command; resolves with its URL. */
async function startUi(place: Place, server: string): Promise<{ ui: Running; url: string }> {
  const ui = startCli(["ui", "--no-open"], {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: server, WANDB_API_KEY: KEY },
  });
  await ui.sees("Stop: Ctrl-C");
  return { ui, url: /http:\S+/.exec(ui.out())![0] };
}

async function end(...running: Running[]): Promise<void> {
  for (const one of running) one.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
}

/** Writes a trace that uses all features of the page. */
async function writeScene(wal: string, server: string): Promise<void> {
  const log = openLog(wal, NAME, { server });
  const started = Date.now() - 2_000;
  const root = startCall(log, NAME, { op: "answer", started, inputs: { question: HOSTILE } });
  const child = startCall(log, NAME, { op: HOSTILE, parent: root, started: started + 200 });
  startCall(log, NAME, { op: "wait", parent: child, started: started + 300 });
  endCall(log, NAME, child, { ended: started + 800, exception: `Error: ${HOSTILE}` });
  endCall(log, NAME, root, { ended: started + 1_500, output: HOSTILE });
  writeCalls(log, NAME, 5, { started: started - 60_000 });
  await log.finish();
}

/** Leaves a dead letter. Its sender also delivers earlier records. */
async function reject(wal: string, mock: MockServer): Promise<void> {
  const fault = mock.faults.add({ path: /feedback/, status: 422, body: { reason: HOSTILE } });
  const log = openLog(wal, "acme/eval", { server: mock.url, key: KEY });
  log.append(
    "feedback_create",
    `{"id":"f1","project_id":"acme/eval","weave_ref":"weave:///acme/eval/call/c1","feedback_type":"custom","payload":{"text":${
      JSON.stringify(HOSTILE)
    }}}`,
  );
  await log.finish();
  fault.remove();
}

/** Serious and critical violations found by axe-core. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run()
  );
  assert.ok(passes.length > 10, `${passes.length} rules passed`);
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

interface AxeResult {
  readonly passes: readonly unknown[];
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Whether nothing is wider than the viewport. */
async function fits(page: Page): Promise<boolean> {
  return await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}

test("ui: Chromium shows traced data as text, whatever it contains", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await reject(place.wal, mock);
  await writeScene(place.wal, mock.url);
  const { ui, url } = await startUi(place, mock.url);
  await using browser = await startBrowser();
  await using opened = await openPage(browser, url);
  const { page, problems, hosts } = opened;
  await page.getByRole("link", { name: "acme/chat" }).click();
  await page.getByRole("button", { name: /^answer .*3 calls/ }).click();
  const child = page.getByRole("treeitem", { name: HOSTILE });
  await child.click();
  const details = page.getByRole("region", { name: `Call ${HOSTILE}` });
  await details.getByText(`Error: ${HOSTILE}`).first().waitFor();
  await page.getByRole("treeitem", { name: "answer" }).click();
  await page.locator("pre", { hasText: JSON.stringify(HOSTILE).slice(1, -1) }).first().waitFor();
  await page.getByRole("link", { name: /^Dead letters/ }).click();
  await page.getByText(HOSTILE).first().waitFor();
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.locator("pre", { hasText: "<script>" }).waitFor();
  assert.equal(await page.locator("img, b:text-is('bold'), main script").count(), 0);
  assert.deepEqual(problems, []);
  assert.deepEqual([...hosts], [new URL(url).host]);
  await end(ui);
}, OPTIONS);

test("ui: Chromium shows a running program, and its kill", async () => {
  await using place = await temporary();
  const server = "http://127.0.0.1:9";
  const writer = startProgram("tests/support/cli/cli_writer.ts", [NAME, server, "forever"], {
    cwd: place.path,
  });
  await writer.prints();
  const { ui, url } = await startUi(place, server);
  await using browser = await startBrowser();
  await using first = await openPage(browser, url);
  await using second = await openPage(browser, url, { colorScheme: "dark" });
  await second.page.getByRole("link", { name: "Traces" }).click();
  const newest = second.page.getByRole("list", { name: "Traces, newest first" })
    .getByRole("button").first();
  await newest.waitFor();
  await newest.click();
  await second.page.getByRole("tree").waitFor();
  await first.page.getByRole("region", { name: "Writers" }).getByText("alive").waitFor();
  const pending = first.page.locator("dd").first();
  const before = await pending.textContent();
  await first.page.waitForFunction(
    (text) => document.querySelector("dd")!.textContent !== text,
    before,
  );
  // An open trace stays in place until newer ones are requested.
  await second.page.getByRole("button", { name: "Show newer traces" }).click();
  await second.page.locator(".traces > li:first-child:not(:has([role=tree]))").waitFor();
  writer.kill("SIGKILL");
  await writer.ended;
  await first.page.getByRole("region", { name: "Writers" }).getByText("dead").waitFor();
  assert.deepEqual([first.problems, second.problems], [[], []]);
  await end(ui);
  await first.page.getByText("does not answer").waitFor();
}, OPTIONS);

test("ui: Chromium sends a dead letter again and exports it, after asking", async () => {
  await using place = await temporary();
  await using mock = await startMockServer();
  await reject(place.wal, mock);
  const { ui, url } = await startUi(place, mock.url);
  await using browser = await startBrowser();
  await using opened = await openPage(browser, `${url}#dead-letters`);
  const { page, problems } = opened;
  const item = page.getByRole("list", { name: "Dead letters" }).getByRole("listitem");
  const dialog = page.getByRole("dialog");
  await item.getByRole("button", { name: "Export" }).click();
  const download = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Export" }).click();
  const file = join(place.path, "saved.jsonl");
  await (await download).saveAs(file);
  assert.equal(JSON.parse(readFileSync(file, "utf8")).error.message, HOSTILE);
  const stored = mock.store.counts.feedback;
  await item.getByRole("button", { name: "Send again" }).click();
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(mock.store.counts.feedback, stored, "not without the answer");
  await item.getByRole("button", { name: "Send again" }).click();
  await dialog.getByRole("button", { name: "Send again" }).click();
  await page.getByRole("status").getByText("took 1 of 1 dead letter").waitFor();
  await page.getByText("No dead letters.").waitFor();
  assert.equal(mock.store.counts.feedback, stored + 1);
  assert.deepEqual(problems, []);
  await end(ui);
}, OPTIONS);

test("ui: Chromium can be used with the keyboard only", async () => {
  await using place = await temporary();
  await writeScene(place.wal, "http://127.0.0.1:9");
  const { ui, url } = await startUi(place, "http://127.0.0.1:9");
  await using browser = await startBrowser();
  await using opened = await openPage(browser, url);
  const { page } = opened;
  await page.getByRole("link", { name: "Traces" }).waitFor();
  const focus = (): Promise<string> =>
    page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  const tabTo = async (text: string): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press("Tab");
      if ((await focus()).startsWith(text)) return;
    }
    assert.fail(`Tab does not reach ${text}`);
  };
  await tabTo("Traces");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^answer .*3 calls/ }).waitFor();
  await tabTo("answer");
  await page.keyboard.press("Enter");
  await page.getByRole("treeitem").first().waitFor();
  await page.keyboard.press("Tab");
  const items = page.getByRole("treeitem");
  assert.match(await focus(), /answer/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.match(await focus(), /wait/);
  await page.keyboard.press("ArrowLeft");
  assert.match(await focus(), /<img/);
  await page.keyboard.press("ArrowLeft");
  assert.equal(await items.count(), 2, "folded");
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await page.locator("pre").first().waitFor();
  await page.locator(".details button").first().focus();
  await page.keyboard.press("Escape");
  await page.locator(".details").waitFor({ state: "detached" });
  assert.match(await focus(), /answer/, "the focus returns to the tree");
  await end(ui);
}, OPTIONS);

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1_200, 360]) {
    const what = `ui: axe-core finds no serious fault: ${colorScheme}, ${width} px`;
    test(what, async () => {
      await using place = await temporary();
      await using mock = await startMockServer();
      await reject(place.wal, mock);
      await writeScene(place.wal, mock.url);
      const { ui, url } = await startUi(place, mock.url);
      await using browser = await startBrowser();
      await using opened = await openPage(browser, url, { colorScheme, width });
      const { page } = opened;
      const check = async (view: string): Promise<void> => {
        assert.deepEqual(await findings(page), [], view);
        assert.ok(await fits(page), `${view} is wider than the window`);
      };
      await page.getByRole("region", { name: "Writers" }).waitFor();
      await check("overview");
      await page.getByRole("link", { name: "acme/chat" }).click();
      await page.getByRole("button", { name: /^answer .*3 calls/ }).click();
      await page.getByRole("treeitem").first().click();
      await page.locator("pre").first().waitFor();
      await check("traces");
      await page.getByRole("link", { name: /^Dead letters/ }).click();
      await page.getByRole("button", { name: "Show", exact: true }).click();
      await page.locator("pre").waitFor();
      await check("dead letters");
      await page.getByRole("button", { name: "Send all again" }).click();
      await check("question");
      await end(ui);
    }, OPTIONS);
  }
}
