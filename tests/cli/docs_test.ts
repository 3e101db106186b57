import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "@std/path";
import { cliProcess, projectPath, temporary } from "../support/cli/cli_support.ts";
import { test } from "../harness.ts";

const FOLDER = "docs/operations";

/** The `weave-wal` command lines in the documents, without values and comments. */
function documentedCommands(): string[][] {
  const files = readdirSync(projectPath(FOLDER), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const commands: string[][] = [];
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const [, line] of text.matchAll(/weave-wal ((?:[a-z-]+ )*[^\n`#|>]*)/g)) {
      commands.push(line.trim().split(/\s+/));
    }
    for (const [, args] of text.matchAll(/(?:args: |CMD )(\[.*\])/g)) {
      commands.push(JSON.parse(args) as string[]);
    }
  }
  const known = ["status", "flush", "inspect", "verify", "dead-letters"];
  return commands.filter(([first]) => known.includes(first));
}

test("the documents show only existing commands and options", async () => {
  await using place = await temporary();
  const helps = new Map<string, string>();
  const commands = documentedCommands();
  assert.ok(commands.length >= 25, `${commands.length} commands`);
  for (const words of commands) {
    const name = words[0] === "dead-letters" && /^[a-z]/.test(words[1] ?? "")
      ? words.slice(0, 2)
      : words.slice(0, 1);
    const key = name.join(" ");
    if (!helps.has(key)) {
      const { code, out } = await cliProcess([...name, "--help"], { cwd: place.path });
      assert.equal(code, 0, key);
      helps.set(key, out);
    }
    for (const word of words) {
      const [option] = /^--[a-z-]+/.exec(word) ?? [];
      if (option === undefined) continue;
      assert.match(helps.get(key)!, new RegExp(`^ +${option}\\b`, "m"), `${key}: ${option}`);
    }
  }
}, { timeout: 120_000 });
