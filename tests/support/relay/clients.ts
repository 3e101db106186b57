/**
 * Third-party clients of a relay, in processes of their own.
 *
 * @module
 */

import { join } from "node:path";
import {
  clientEnvironment,
  defaultCache,
  installedClient,
} from "../../../scripts/conformance/packages.ts";
import { root, startChild, startCommand } from "../processes/child_fixture.ts";
import { SdkProject } from "../drop_in/register_fixture.ts";

/** Calls that the TypeScript SDK makes in the time of one span of the other clients. */
const CALLS_FOR_SPAN = 5;

/** A client and its project. */
export interface RelayClient {
  readonly name: string;
  readonly project: string;
  /** Why it is skipped; `false` if it can run. */
  readonly skip: string | false;
  /** Writes this many calls or spans; rejects on failure. */
  run(url: string, count: number): Promise<void>;
}

/** The Python interpreter with the vendor's client; `null` if it is not installed. */
const python = await installedClient(defaultCache);

function pythonClient(name: string, kind: "calls" | "spans"): RelayClient {
  const project = "team/python";
  return {
    name,
    project,
    skip: python === null && "needs the Python packages of npm run conformance",
    async run(url, count) {
      const program = join(root, "tests/support/relay/python_client.py");
      const command = [python!, program, kind, project, url, `${count}`];
      const { code, errors } = await startCommand(command, { env: clientEnvironment(url) }).ended;
      if (code !== 0) throw new Error(`It ended with ${code}: ${errors}`);
    },
  };
}

/** All clients. */
export const RELAY_CLIENTS: readonly RelayClient[] = [
  {
    name: "the TypeScript SDK",
    project: "team/counting",
    skip: false,
    async run(url, count) {
      using project = new SdkProject("0.11.1");
      const env = { WF_TRACE_SERVER_URL: url, WANDB_BASE_URL: url };
      const options = { preload: false, env, args: [`${count * CALLS_FOR_SPAN}`] };
      const { code, errors } = await project.run("counting.mjs", options);
      if (code !== 0) throw new Error(`It ended with ${code}: ${errors}`);
    },
  },
  {
    name: "OpenTelemetry's exporter for JavaScript",
    project: "team/spans",
    skip: false,
    async run(url, count) {
      const plan = JSON.stringify({ url, project: "team/spans", spans: count });
      const { code, errors } = await startChild("support/relay/exporting_child.ts", plan, {
        hasCommonJs: true,
      }).ended;
      if (code !== 0) throw new Error(`It ended with ${code}: ${errors}`);
    },
  },
  pythonClient("the Python SDK", "calls"),
  pythonClient("OpenTelemetry's exporter for Python", "spans"),
];
