/**
 * The Kubernetes manifests of the documentation: valid according to the API's schemas,
 * and the sidecar executed with the environment, the arguments and the order of start and
 * exit that its manifest specifies.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { projectPath, startCli } from "../support/cli/cli_support.ts";
import { SdkProject } from "../support/drop_in/register_fixture.ts";
import { test } from "../harness.ts";

const FOLDER = projectPath("docs/operations/kubernetes");
/** The first version that supports sidecars, and a later one. */
const VERSIONS = ["1.29", "1.34"];

const validator = spawnSync("kubernetes-validate", ["--version"], { stdio: "ignore" });
const noValidator = validator.status === 0
  ? false
  : "kubernetes-validate is not installed (pip install kubernetes-validate)";

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly restartPolicy?: string;
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

function manifests(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(join(FOLDER, file), "utf8"))
    .map((document) => document.toJS() as Manifest);
}

function podOf(file: string): PodSpec {
  return manifests(file).find(({ kind }) => kind !== "Secret")!.spec.template.spec;
}

/**
 * The environment of a container with its volume at another path; secrets have the value
 * `secret`.
 */
function environmentOf({ env, volumeMounts }: Container, volume: string): Record<string, string> {
  const [{ mountPath }] = volumeMounts;
  return Object.fromEntries(
    env.map(({ name, value }) => [name, value?.replace(mountPath, volume) ?? "secret"]),
  );
}

for (const version of VERSIONS) {
  test(`manifests: valid by the schemas of Kubernetes ${version}, without unknown fields`, () => {
    const files = ["sidecar.yaml", "daemonset.yaml", "relay.yaml", "cluster.yaml"]
      .map((file) => join(FOLDER, file));
    const { status, stdout, stderr } = spawnSync(
      "kubernetes-validate",
      ["--strict", "-k", version, ...files],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stdout + stderr);
  }, { skip: noValidator, timeout: 60_000 });
}

test("manifests: the termination grace period exceeds the sender's, and only the sender has the key", () => {
  for (const file of ["sidecar.yaml", "daemonset.yaml"]) {
    const { terminationGracePeriodSeconds, initContainers = [], containers } = podOf(file);
    const all = [...initContainers, ...containers];
    const sender = all.find(({ name }) => name === "weave-wal")!;
    const [, grace] = /^(\d+)s$/.exec(sender.args!.at(-1)!)!;
    assert.equal(sender.args!.at(-2), "--grace", file);
    assert.ok(terminationGracePeriodSeconds > Number(grace), file);
    const keys = all.filter(({ env }) => env.some(({ name }) => name === "WANDB_API_KEY"));
    assert.deepEqual(keys.map(({ name }) => name), ["weave-wal"], file);
    const { key } = sender.env.find(({ name }) =>
      name === "WANDB_API_KEY"
    )!.valueFrom!.secretKeyRef;
    assert.equal(key, "WANDB_API_KEY", file);
  }
  const [secret] = manifests("sidecar.yaml");
  assert.deepEqual([secret.metadata.name, Object.keys(secret.stringData!)], [
    "weave",
    ["WANDB_API_KEY"],
  ]);
});

test(
  "sidecar.yaml, played: the official SDK writes without a key, the sidecar delivers all",
  async () => {
    using project = new SdkProject();
    await using mock = await startMockServer({ apiKey: "secret" });
    const { initContainers: [sidecar] = [], containers: [program] } = podOf("sidecar.yaml");
    assert.equal(sidecar.restartPolicy, "Always", "it starts before the program and ends after it");
    const server = { WF_TRACE_SERVER_URL: mock.url };
    const volume = project.directory;
    const sender = startCli(sidecar.args!, {
      cwd: volume,
      env: { ...environmentOf(sidecar, volume), ...server },
    });
    await sender.sees("Following ");
    writeFileSync(
      join(project.directory, "program.cjs"),
      `const weave = require("weave");
     (async () => {
       await weave.init("team/answers", { printCallLink: false });
       const answer = weave.op(async function answer(n) { return 2 * n; });
       for (let n = 0; n < 20; n++) await answer(n);
       console.log("answered");
       setInterval(() => {}, 1000);
     })();`,
    );
    const writer = project.start("program.cjs", {
      env: { WANDB_API_KEY: "", ...environmentOf(program, volume), ...server },
    });
    // The SDK prints lines of its own.
    while (!writer.lines.includes("answered")) await writer.printed(writer.lines.length + 1);
    // The pod is evicted: the program is killed before it can send anything, then the
    // sidecar ends.
    writer.kill("SIGKILL");
    await writer.ended;
    sender.kill("SIGTERM");
    const { code, err } = await sender.ended;
    assert.equal(code, 0, err);
    assert.equal(mock.store.finishedCount("team/answers"), 20, err);
  },
  { timeout: 120_000 },
);
