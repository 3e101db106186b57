/**
 * `npm run screenshots`: takes screenshots of `weave-wal ui` for the README, of a scene
 * created by this script. Needs a Chromium.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { openPage, startBrowser } from "../tests/support/browser.ts";
import { startCli, temporary } from "../tests/support/cli/cli_support.ts";
import { endCall, openLog, startCall } from "../tests/support/cli/written_logs.ts";
import type { Pipeline } from "../src/client/pipeline/pipeline.ts";
import { startMockServer } from "../tools/mock_server/serve.ts";
import { projectRoot } from "./test/process.ts";

const NAME = "acme/chat";
/** Number of initial traces, and ms between further ones. */
const TRACES = 40, EVERY_MS = 150;
const SIZE = { width: 1_000, height: 560 };

await using place = await temporary();
await using mock = await startMockServer();
mock.faults.add({ path: /call/, status: 503 });
const log = openLog(place.wal, NAME, { server: mock.url, key: "any" });
const now = Date.now();
for (let i = TRACES; i > 0; i--) writeTrace(log, now - i * 1_500, i);
const writing = setInterval(
  () => writeTrace(log, Date.now() - 2_000, Math.random() * 100),
  EVERY_MS,
);
const ui = startCli(["ui", "--no-open"], {
  cwd: place.path,
  env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "any" },
});
await ui.sees("Stop: Ctrl-C");
const url = /http:\S+/.exec(ui.out())![0];
await using browser = await startBrowser();

{
  await using light = await openPage(browser, url);
  await light.page.setViewportSize(SIZE);
  await light.page.getByRole("region", { name: "Writers" }).waitFor();
  // Collects some points for the plots.
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  await save("ui-overview.png", light.page);
}
{
  await using dark = await openPage(browser, `${url}#traces`, { colorScheme: "dark" });
  await dark.page.setViewportSize(SIZE);
  const failed = dark.page.locator(".trace", { hasText: "failed" }).first();
  await failed.click();
  await dark.page.getByRole("treeitem", { name: /openai/ }).first().click();
  await dark.page.locator("pre").first().waitFor();
  await failed.scrollIntoViewIfNeeded();
  await dark.page.mouse.move(0, 0);
  await save("ui-traces-dark.png", dark.page);
}
clearInterval(writing);
ui.kill("SIGKILL");
await ui.ended;
process.exit(0);

async function save(
  name: string,
  page: { screenshot(options: { path: string }): Promise<unknown> },
): Promise<void> {
  const path = join("docs/images", name);
  await page.screenshot({ path: join(projectRoot, path) });
  console.log(path);
}

/** A question answered by a search and a model, sometimes with an error. */
function writeTrace(pipeline: Pipeline, started: number, seed: number): void {
  const fails = Math.floor(seed) % 5 === 2;
  const inputs = { question: "Which regions saw the most rain in 2025?" };
  const root = startCall(pipeline, NAME, { op: "answer_question", started, inputs });
  const search = startCall(pipeline, NAME, { op: "search", parent: root, started: started + 20 });
  for (let i = 0; i < 3; i++) {
    const from = started + 40 + i * 90;
    const embed = startCall(pipeline, NAME, { op: "embed", parent: search, started: from });
    endCall(pipeline, NAME, embed, { started: from, ended: from + 80 });
  }
  endCall(pipeline, NAME, search, { started, ended: started + 340 });
  const asked = started + 360;
  const chat = startCall(pipeline, NAME, {
    op: "openai.chat.completions.create",
    parent: root,
    started: asked,
    inputs: { model: "gpt-5-mini", content: inputs.question },
  });
  const error = fails ? { exception: "RateLimitError: 429 Too many requests" } : {};
  endCall(pipeline, NAME, chat, {
    started: asked,
    ended: asked + 900 + seed * 3,
    output: "The west coast, by far.",
    ...error,
  });
  endCall(pipeline, NAME, root, { started, ended: asked + 950 + seed * 3, ...error });
}
