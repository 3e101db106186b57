/**
 * `npm run mock`: a Weave trace server for experiments.
 *
 * @module
 */

import process from "node:process";
import { runMock } from "../tools/mock_server/command.ts";

process.exitCode = await runMock(process.argv.slice(2));
