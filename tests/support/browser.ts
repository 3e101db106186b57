/**
 * A real browser: the installed Chromium.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const executable = (process.env.PATH ?? "").split(delimiter)
  .flatMap((directory) => NAMES.map((name) => join(directory, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Why tests with a browser are skipped; `false` if they can run. */
export const noBrowser: string | false = executable === undefined
  ? `no browser is installed (${NAMES.join(", ")})`
  : false;

/** Starts the browser. */
export async function startBrowser(): Promise<Browser & AsyncDisposable> {
  return await chromium.launch({
    executablePath: executable,
    // The sandbox does not work as root; only pages of the tests are opened.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

/** A page, and the problems that occurred in it. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors, failed requests, violations of the content security policy, script dialogs. */
  readonly problems: readonly string[];
  /** Hosts that received a request. */
  readonly hosts: ReadonlySet<string>;
}

/** Opens a page. */
export async function openPage(
  browser: Browser,
  url: string,
  options: { readonly width?: number; readonly colorScheme?: "light" | "dark" } = {},
): Promise<WatchedPage> {
  const { width = 1_200, colorScheme = "light" } = options;
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const problems: string[] = [];
  const hosts = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await page.goto(url);
  return { page, context, problems, hosts, [Symbol.asyncDispose]: () => context.close() };
}
