/**
 * The systemd units of docs/operations.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { projectPath } from "../support/cli/cli_support.ts";
import { test } from "../harness.ts";

const FOLDER = projectPath("docs/operations/systemd");

test("systemd: every unit that a text says to enable can be enabled", () => {
  const units = new Map(
    readdirSync(FOLDER).map((name) => [name, readFileSync(`${FOLDER}/${name}`, "utf8")]),
  );
  const page = readFileSync(projectPath("docs/operations/systemd.md"), "utf8");
  const texts = [page, ...units.values()].join("\n");
  const enabled = [...texts.matchAll(/systemctl enable --now ([\w. -]+)/g)]
    .flatMap(([, names]) => names.trim().split(" "))
    .map((name) => name.includes(".") ? name : `${name}.service`);
  assert.ok(new Set(enabled).size >= 3, enabled.join());
  for (const name of enabled) {
    assert.match(units.get(name) ?? "", /^\[Install\]\nWantedBy=\S+$/m, name);
  }
});
