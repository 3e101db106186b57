/**
 * `npm run mock`: a Weave trace server to try things against.
 *
 * @module
 */

import process from "node:process";
import { runMock } from "../src/mock/command.ts";

process.exitCode = await runMock(process.argv.slice(2));
