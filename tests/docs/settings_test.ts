import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DEFAULTS } from "../../src/client/settings/defaults.ts";
import {
  CODE_OPTIONS,
  OPTION_NAMES,
  OPTION_TABLE,
  RESOLVED_OPTIONS,
} from "../../src/client/settings/option_specs.ts";
import { test } from "../harness.ts";

const page = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const SETTINGS = page("docs/settings.md");

interface Row {
  env: string;
  fallback: string;
}

/** The table of all settings: environment variable and default of each option. */
function rows(): Map<string, Row> {
  const section = /^## All settings$([^]*?)^## /m.exec(SETTINGS)?.[1] ?? "";
  const found = new Map<string, Row>();
  for (const [, option, env, fallback] of section.matchAll(/^\| `(\w+)` +\|(.*?)\|(.*?)\|/gm)) {
    found.set(option, { env: env.trim(), fallback: fallback.trim() });
  }
  return found;
}

test("docs: the settings page lists exactly the existing settings, each once", () => {
  const documented = [...rows().keys()].sort();
  const settings = OPTION_NAMES.filter((name) => !(name in CODE_OPTIONS)).sort();
  assert.deepEqual(documented, settings);
  const codeAlone = /^Only in code:([^]*?)\n\n/m.exec(SETTINGS)?.[1] ?? "";
  for (const name of Object.keys(CODE_OPTIONS)) assert.ok(codeAlone.includes(`\`${name}\``), name);
});

test("docs: the settings page has each setting's variable and default", () => {
  const table = rows();
  for (const [name, { env }] of Object.entries({ ...OPTION_TABLE, ...RESOLVED_OPTIONS })) {
    const found = /^`(\w+)`/.exec(table.get(name)!.env)?.[1];
    assert.equal(found, env, name);
  }
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const found = /^`?([^`\s]+)`?/.exec(table.get(name)!.fallback)?.[1];
    assert.equal(found?.replaceAll('"', ""), String(value), name);
  }
});

test("docs: the settings page lists exactly the existing events, each once", () => {
  const section = /^## Log messages and events$([^]*)/m.exec(SETTINGS)?.[1] ?? "";
  const documented = [...section.matchAll(/^\| `([\w-]+)` +\|/gm)].map(([, name]) => name);
  const source = page("src/client/pipeline/status/events.ts");
  const names = [...source.matchAll(/^ *\| "([\w-]+)"/gm)].map(([, name]) => name);
  assert.ok(names.length >= 30);
  assert.deepEqual(documented.toSorted(), names.toSorted());
});
