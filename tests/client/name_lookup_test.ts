/**
 * Programs whose name servers are faulty: they end in time, and deliver where it is possible.
 *
 * @module
 */

import assert from "node:assert/strict";
import { detectRuntime } from "../../src/runtime/detect.ts";
import { NAME_SERVERS, noNameServers, withNameServers } from "../support/network/name_server.ts";
import { UserProject } from "../support/processes/program_fixture.ts";
import { test } from "../harness.ts";

/**
 * Below the time after which the operating system gives up a query to one name server: five
 * seconds.
 */
const ENOUGH_MS = 4_500;

const program = (end: string) => `
  import { init, op } from "./weave_wal.mjs";
  import process from "node:process";
  await init("team/lookup");
  const answer = op(function answer() { return 42; });
  answer();
  console.log("done");
  ${end}
`;

const ENDS: Record<string, string> = {
  "by itself": "",
  "by process.exit()": "setTimeout(() => process.exit(0), 1_000);",
};

for (const [what, servers] of Object.entries(NAME_SERVERS)) {
  for (const [how, end] of Object.entries(ENDS)) {
    test(`name lookup: ${what}: a program that ends ${how} does not wait`, async () => {
      using project = new UserProject();
      project.copy("weave_wal.mjs");
      project.write("main.mjs", program(end));
      const { code, errors, lastMs } = await project.run("main.mjs", {
        env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: "https://trace.known.test" },
        under: withNameServers(servers),
      });
      assert.equal(code, 0, errors);
      assert.ok(lastMs < ENOUGH_MS, `${lastMs} ms\n${errors}`);
      assert.equal(project.logs("team/lookup").length, 1, "the call waits on disk");
    }, { skip: noNameServers });
  }
}

const RESOLVER = `
  import { resolveName } from "./name_servers.mjs";
  const results = await Promise.all(["trace.known.test", "nowhere.test", "a.localhost"].map(
    (name) => resolveName(name, 443, AbortSignal.timeout(4_000)).then(
      (found) => found && found.map(({ address }) => address).join(),
      ({ code, name }) => typeof code === "string" ? code : name,
    ),
  ));
  console.log(JSON.stringify(results));
`;

const RESOLVED: Record<string, (string | null)[]> = {
  "no name server responds": ["TimeoutError", "TimeoutError"],
  "the first of two name servers does not respond": ["127.0.0.1", "ENOTFOUND"],
  "queries for IPv6 addresses are dropped": ["127.0.0.1", "ENOTFOUND"],
  "the name servers of a search domain do not respond": ["TimeoutError", "TimeoutError"],
};

for (const [what, wanted] of Object.entries(RESOLVED)) {
  test(`name lookup: ${what}: names are resolved if any name server can`, async () => {
    using project = new UserProject();
    project.copy("name_servers.mjs", "src/runtime/node/name_servers.ts");
    project.write("main.mjs", RESOLVER);
    const { code, lines, errors } = await project.run("main.mjs", {
      under: withNameServers(NAME_SERVERS[what]!),
    });
    assert.equal(code, 0, errors);
    assert.deepEqual(JSON.parse(lines[0]!), [...wanted, "127.0.0.1,::1"]);
  }, { skip: noNameServers || (detectRuntime().name === "deno" && "Deno has its own lookup") });
}
