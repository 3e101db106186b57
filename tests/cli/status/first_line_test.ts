import assert from "node:assert/strict";
import { join } from "@std/path";
import { runCommand } from "../../../src/cli/program.ts";
import { createColors } from "picocolors";
import type { Output } from "../../../src/cli/terminal/terminal.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { passOn } from "../../support/count_operations.ts";
import { test } from "../../harness.ts";

test("the first line of status is written before any project is inspected", async () => {
  await using place = await temporary();
  const log = openLog(place.wal, "acme/chat");
  writeCalls(log, "acme/chat", 3);
  await log.finish();
  const steps: string[] = [];
  const output = {
    isTerminal: false,
    colors: createColors(false),
    columns: undefined,
    rows: undefined,
    write: (text: string) => Promise.resolve(void steps.push(`write ${text}`)),
  } as unknown as Output;
  const { name, process, clock, files } = detectRuntime();
  const project = join(place.wal, "acme", "chat");
  const watched = passOn(files, (method, [path], call) => {
    const isLook = String(path).startsWith(project) || String(path).includes(".processes");
    if (isLook) steps.push(`${method} ${path}`);
    return call();
  });
  const code = await runCommand(["status", "--dir", place.wal], {
    runtime: { name, process, clock, files: watched },
    terminal: { out: output, err: output } as never,
    stop: new AbortController().signal,
  });
  assert.equal(code, 0, steps.join("\n"));
  assert.equal(steps[0], `write ${place.wal}\n`);
  assert.ok(steps.length > 3, "the project is looked at after that");
  assert.match(steps.at(-1)!, /1 project · 1 file · 6 records/);
});
