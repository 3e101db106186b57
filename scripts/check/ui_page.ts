/**
 * The bundled page of `weave-wal ui` is up to date with its sources.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildUiPage, PAGE_BUNDLE } from "../build/ui_page.ts";
import { projectRoot } from "../test/process.ts";

/** The step of `npm run check`. */
export async function checkUiPage(): Promise<string[]> {
  const { text } = await buildUiPage();
  const found = readFileSync(join(projectRoot, PAGE_BUNDLE), "utf8");
  return found === text ? [] : [`${PAGE_BUNDLE} is out of date: run npm run page`];
}
