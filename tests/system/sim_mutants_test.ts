import assert from "node:assert/strict";
import { test } from "../harness.ts";
import type { Bug } from "../sim/mutant.ts";
import { CLAIM_BUGS } from "../sim/mutants/claims.ts";
import { DISK_BUGS } from "../sim/mutants/disk.ts";
import { REMOVAL_BUGS } from "../sim/mutants/removal.ts";
import { SENDING_BUGS } from "../sim/mutants/sending.ts";
import { sim } from "../sim/child.ts";

const GROUPS: readonly (readonly [string, readonly Bug[]])[] = [
  ["writing and reading the log", DISK_BUGS],
  ["taking logs away and setting records aside", REMOVAL_BUGS],
  ["sharing logs among processes", CLAIM_BUGS],
  ["sending", SENDING_BUGS],
];

for (const [what, bugs] of GROUPS) {
  test(`simulation: finds every deliberate mistake in ${what}`, async () => {
    const names = bugs.map(({ name }) => name);
    const { code, output } = await sim(["--prove", "--bug", names.join(",")]);
    assert.equal(code, 0, output);
    for (const name of names) {
      assert.match(output, new RegExp(`^found ${name} at seed \\d+: `, "m"));
    }
  }, { timeout: 280_000 });
}
