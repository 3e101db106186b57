import assert from "node:assert/strict";
import { createColors } from "picocolors";
import { formatTable } from "../../../src/cli/terminal/table.ts";
import type { Output } from "../../../src/cli/terminal/terminal.ts";
import { clip, fitting, padEnd, visibleWidth } from "../../../src/cli/terminal/width.ts";
import { test } from "../../harness.ts";

test("width: text takes the columns that a terminal uses for it", () => {
  const widths = { "": 0, abc: 3, "検索": 4, "é": 1, "e\u0301": 1, "한국어": 6, "👍x": 3 };
  for (const [text, width] of Object.entries(widths)) assert.equal(visibleWidth(text), width, text);
  assert.equal(visibleWidth("\u001b[31m検索\u001b[39m"), 4);
});

test("width: text is truncated between characters, by columns", () => {
  assert.equal(clip("àéî☃👍x", 7), "àéî☃👍x");
  assert.equal(clip("àéî☃👍x", 6), "àéî☃…");
  assert.equal(clip("検索する関数", 12), "検索する関数");
  assert.equal(clip("検索する関数", 11), "検索する関…");
  assert.equal(clip("検索する関数", 10), "検索する…");
  assert.equal(fitting("検索する", 5), "検索");
  assert.equal(fitting("abc", 0), "");
  assert.equal(fitting("abc", -3), "");
  assert.equal(fitting("e\u0301e\u0301", 1), "e\u0301");
  const long = clip("失".repeat(100_000), 40);
  assert.equal(visibleWidth(long), 39);
  assert.equal(clip(`a${"\u0301".repeat(100_000)}b`, 40).length < 400, true);
  assert.equal(padEnd("検索", 6), "検索  ");
  assert.equal(padEnd("検索する", 6), "検索する");
});

test("width: a table uses the terminal's width for names of any script", async () => {
  const columns = [{ title: "PROJECT", flexible: true }, { title: "RECORDS" }];
  for (let width = 30; width <= 200; width++) {
    const output = { colors: createColors(false), columns: width } as Output;
    const rows = [["acme/質問応答のプロジェクト名前がとても長いです", "12"], ["acme/plain", "3"]];
    const lines = (await formatTable(columns, rows, output)).trimEnd().split("\n");
    const wanted = Math.min(width, visibleWidth(`${rows[0][0]}  RECORDS`));
    for (const line of lines) assert.ok(visibleWidth(line) <= width, `${width}: ${line}`);
    assert.ok(visibleWidth(lines[0]) >= wanted - 1, `${width}: ${lines[0]}`);
    const at = lines.map((line) => visibleWidth(line.replace(/\S+$/, "")));
    assert.deepEqual(new Set(at).size, 1, lines.join("\n"));
  }
});
