import process from "node:process";
import {
  checkCommands,
  checkLibrary,
  checkProcesses,
  checkRepair,
} from "../support/wal/planted/planted_check.ts";
import { test } from "../harness.ts";

const OPTIONS = {
  timeout: 120_000,
  skip: process.platform === "win32" && "needs POSIX files",
};

for (const planted of ["FIFO", "link to directory", "sparse file"] as const) {
  test(`planted: a ${planted} in place of any file blocks no command`, async () => {
    await checkCommands(planted);
  }, OPTIONS);

  test(`planted: a ${planted} in place of any file blocks no program`, async () => {
    await checkLibrary(planted);
  }, OPTIONS);
}

test("planted: a repair does not follow links", checkRepair, OPTIONS);

test(
  "planted: a link in place of the directory of heartbeats is not followed",
  checkProcesses,
  OPTIONS,
);
