/**
 * `npm run demo`: see `tools/demo/run_demo.ts`.
 *
 * @module
 */

import process from "node:process";
import { runDemo } from "../tools/demo/run_demo.ts";

process.exitCode = await runDemo(process.argv.slice(2));
