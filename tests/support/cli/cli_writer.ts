/**
 * A program for the tests of the command: writes calls until it is killed, and sends them if it is
 * given a key.
 *
 * `cli_writer.ts <entity/project> <server> <calls> [key]` prints `ready <ids…>` when its calls are in the
 * log and goes on living; `… forever` writes a call every few ms and prints each id when it is in.
 *
 * @module
 */

import process from "node:process";
import { openLog, writeCalls } from "./written_logs.ts";

const [name, server, calls, key] = process.argv.slice(2);
const pipeline = openLog(process.env.WEAVE_WAL_DIR!, name, {
  server,
  ...(key === undefined ? {} : { key }),
});
if (calls === "forever") {
  setInterval(() => console.log(writeCalls(pipeline, name, 1).join(" ")), 5);
} else {
  console.log(`ready ${writeCalls(pipeline, name, Number(calls)).join(" ")}`);
  setInterval(() => {}, 1_000_000);
}
