/**
 * The exit of a program while no name server responds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { UserProject } from "../support/processes/program_fixture.ts";
import { test } from "../harness.ts";

/** Far below the time after which the operating system gives up a lookup: at least ten seconds. */
const ENOUGH_MS = 5_000;

/** Runs its arguments next to a name server that never responds. */
const SILENT_SERVER = `
  const [command, ...args] = process.argv.slice(1);
  require("dgram").createSocket("udp4").bind(53, "127.0.0.77").on("listening", () =>
    require("child_process").spawn(command, args, { stdio: "inherit" })
      .on("exit", (code) => process.exit(code ?? 1)));
`;
/** Runs its arguments where that is the only name server. */
const NAMESPACE = `
  ip link set lo up && echo "nameserver 127.0.0.77" > resolv.conf &&
  mount --bind resolv.conf /etc/resolv.conf && exec node -e "$0" "$@"
`;
const UNSHARED = ["--user", "--map-root-user", "--mount", "--net"];

const { status } = spawnSync("unshare", [...UNSHARED, "ip", "link", "set", "lo", "up"]);
const skip = status !== 0 && "a network of its own takes user namespaces of Linux, and ip";

const program = (end: string) => `
  import { init, op } from "./weave_wal.mjs";
  import process from "node:process";
  await init("team/lookup");
  const answer = op(function answer() { return 42; });
  answer();
  console.log("done");
  ${end}
`;

for (
  const [what, end] of [
    ["by itself", ""],
    ["by process.exit()", "setTimeout(() => process.exit(0), 1_000);"],
  ]
) {
  test(`name lookup: a program that ends ${what} does not wait for a name server`, async () => {
    using project = new UserProject();
    project.copy("weave_wal.mjs");
    project.write("main.mjs", program(end!));
    const { code, errors, lastMs } = await project.run("main.mjs", {
      env: { WEAVE_ENABLE_WAL: "true", WF_TRACE_SERVER_URL: "https://trace.example.com" },
      under: ["unshare", ...UNSHARED, "sh", "-c", NAMESPACE, SILENT_SERVER],
    });
    assert.equal(code, 0, errors);
    assert.ok(lastMs < ENOUGH_MS, `${lastMs} ms\n${errors}`);
    console.error(lastMs, errors);
    assert.equal(project.logs("team/lookup").length, 1, "the call waits on disk");
  }, { skip });
}
