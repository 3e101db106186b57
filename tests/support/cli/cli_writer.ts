/**
 * A program for the tests of the command: writes calls until it is killed, and sends them
 * if it has a key.
 *
 * `cli_writer.ts <entity/project> <server> <calls> [key]` prints `ready <ids…>` once its
 * calls are in the log, and keeps running; `… forever` writes a call every few ms and
 * prints the ID of each once it is appended.
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
