/**
 * `npm run page`: bundles the page of `weave-wal ui` into its generated file.
 *
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildUiPage, PAGE_BUNDLE } from "./build/ui_page.ts";
import { projectRoot } from "./test/process.ts";

const { text } = await buildUiPage();
writeFileSync(join(projectRoot, PAGE_BUNDLE), text);
console.log(`${PAGE_BUNDLE}: ${(text.length / 1024).toFixed(1)} KiB`);
