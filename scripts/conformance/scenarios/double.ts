/**
 * The mock server behaves like the real one, except for the listed differences.
 *
 * @module
 */

import assert from "node:assert/strict";
import { startMockServer } from "../../../tools/mock_server/serve.ts";
import { compareServers } from "../double/compare.ts";
import { knownDifferences } from "../double/differences.ts";
import type { Context, Findings, Scenario } from "../scenario.ts";

/** See the module. */
export const double: Scenario = {
  name: "double",
  title: "the mock server's responses against the real server's",
  each: "run",
  run: compareDouble,
};

async function compareDouble({ bench: { server } }: Context): Promise<Findings> {
  await using mock = await startMockServer({ missingProjects: ["missing"], anyIds: false });
  const { compared, differences } = await compareServers(
    { url: mock.url, merge: () => Promise.resolve(mock.store.merge()) },
    server,
    "double",
  );
  const known = knownDifferences();
  const found = new Set(differences.map(({ name }) => name));
  const fresh = differences.filter(({ name }) => !known.has(name));
  const list = fresh.map(({ name, mock, real }) => `${name}\n  mock: ${mock}\n  real: ${real}`);
  assert.equal(fresh.length, 0, `${fresh.length} unlisted differences:\n${list.join("\n")}`);
  const unused = [...known.keys()].filter((name) => !found.has(name));
  assert.deepEqual(unused, [], "listed differences that are none");
  return {
    sent: `${compared} requests, to both`,
    arrived: `${compared - differences.length} answered alike`,
    refused: [`${differences.length} listed differences`],
  };
}
