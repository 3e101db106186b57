/**
 * `npm run check`: all checks that do not run the tests.
 *
 * @module
 */

import process from "node:process";
import { runChecks } from "./check/steps.ts";

const checks = await runChecks();
const failed = checks.filter(({ passed }) => !passed);
for (const { name } of failed) console.log(`failed: ${name}`);
console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
