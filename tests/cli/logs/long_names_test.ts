import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "@std/path";
import { detectRuntime } from "../../../src/runtime/detect.ts";
import { nameOfDirectory } from "../../../src/wal/segment/long_names.ts";
import { cli } from "../../support/cli/cli.ts";
import { temporary } from "../../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";

const { files } = detectRuntime();
const bytes = (text: string) => new TextEncoder().encode(text).length;

test("long names: directory names fit the file system, and the command shows the original name", async () => {
  await using place = await temporary();
  const names = [
    `acme/${"深".repeat(100)}`,
    `acme/${"深".repeat(99)}度`,
    `${"团".repeat(128)}/${"😀".repeat(60)}`,
    `acme/${"é".repeat(71)}`,
  ];
  for (const name of names) {
    const log = openLog(place.wal, name);
    writeCalls(log, name, 2);
    await log.finish({ timeout: 0 });
  }
  const directories = readdirSync(place.wal).filter((name) => name[0] !== ".").flatMap((entity) =>
    readdirSync(join(place.wal, entity)).filter((name) => name[0] !== ".").map((project) => {
      assert.ok(bytes(entity) <= 143 && bytes(project) <= 143);
      return join(place.wal, entity, project);
    })
  );
  assert.equal(directories.length, names.length, "names that begin alike have their own logs");
  const { out, err } = await cli(["status", "--json", "--dir", place.wal], { cwd: place.path });
  const projects = JSON.parse(out).projects.map((found: { entity: string; project: string }) =>
    `${found.entity}/${found.project}`
  );
  assert.deepEqual(projects.sort(), [...names].sort(), err);
  const project = names[0].split("/")[1];
  const one = await cli(["inspect", "--dir", place.wal, "--project", project, "--json"], {
    cwd: place.path,
  });
  assert.equal(one.out.trim().split("\n").length, 4, one.err);
  const verified = await cli(["verify", "--dir", place.wal], { cwd: place.path });
  assert.equal(verified.code, 0, verified.out);
  assert.doesNotMatch(verified.out, /\.name/);
});

test("long names: a file with another name is not trusted", async () => {
  await using place = await temporary();
  const name = `acme/${"深".repeat(100)}`;
  const log = openLog(place.wal, name);
  writeCalls(log, name, 1);
  await log.finish({ timeout: 0 });
  const [own] = readdirSync(join(place.wal, "acme")).filter((name) => name[0] !== ".");
  const directory = join(place.wal, "acme", own);
  assert.equal(nameOfDirectory(files, directory), "深".repeat(100));
  for (const other of ["../evil", "chat", "深".repeat(101), ""]) {
    writeFileSync(join(directory, ".name"), other);
    assert.equal(nameOfDirectory(files, directory), own, other);
  }
});
