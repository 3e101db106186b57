/**
 * The manifests of relays and senders around a log on JetStream, executed with one
 * server.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { projectPath, startCli, temporary } from "../support/cli/cli_support.ts";
import { test } from "../harness.ts";
import { startNats, withoutNats } from "../support/jetstream/nats_server.ts";
import { PROJECT, startOf } from "../support/mock_server/mock_requests.ts";

const FOLDER = projectPath("docs/operations/kubernetes");
const MIB = 1024 ** 2;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly { readonly args: readonly string[] }[];
      };
    };
  };
}

const manifests = parseAllDocuments(readFileSync(join(FOLDER, "cluster.yaml"), "utf8"))
  .map((document) => document.toJS() as Manifest);

function one(kind: string, name: string): Manifest {
  return manifests.find((found) => found.kind === kind && found.metadata.name === name)!;
}

const argsOf = (name: string) => one("Deployment", name).spec.template.spec.containers[0].args;
const valueOf = (args: readonly string[], option: string) =>
  args.find((arg) => arg.startsWith(`${option}=`))!.slice(option.length + 1);

test("cluster.yaml: budgets select the pods, which have more time to end than the command takes", () => {
  for (const name of ["weave-relay", "weave-sender"]) {
    const { selector, template } = one("Deployment", name).spec;
    assert.deepEqual(one("PodDisruptionBudget", name).spec.selector, selector);
    assert.deepEqual(template.metadata.labels, selector.matchLabels);
    const grace = Number(/^(\d+)s$/.exec(valueOf(argsOf(name), "--grace"))![1]);
    assert.ok(template.spec.terminationGracePeriodSeconds > grace);
  }
});

test("jetstream-values.yaml: a whole record fits into a message, and the stream onto the volume", () => {
  const values = parse(readFileSync(join(FOLDER, "jetstream-values.yaml"), "utf8"));
  const { cluster, jetstream, merge } = values.config;
  assert.ok(merge.max_payload >= 33 * MIB);
  const args = argsOf("weave-relay");
  assert.ok(parseInt(jetstream.fileStore.pvc.size) > Number(valueOf(args, "--max-log")));
  assert.equal(cluster.replicas, Number(valueOf(args, "--replicas")));
  assert.equal(valueOf(args, "--log").split(",").length, cluster.replicas);
});

test(
  "cluster.yaml, played: a sender delivers what a relay answered",
  async () => {
    await using server = await startNats();
    await using place = await temporary();
    await using mock = await startMockServer({ apiKey: "secret" });
    writeFileSync(join(place.path, "tokens"), "a-token-0123456789\n");
    const changes: Readonly<Record<string, string>> = {
      "--listen": "127.0.0.1:0",
      "--token-file": join(place.path, "tokens"),
      "--log": `nats://${server.address}`,
      // One server.
      "--replicas": "1",
    };
    const start = (name: string) =>
      startCli(
        argsOf(name).map((arg) => {
          const [option] = arg.split("=");
          return changes[option] === undefined ? arg : `${option}=${changes[option]}`;
        }),
        { cwd: place.path, env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "secret" } },
      );
    const relay = start("weave-relay");
    await relay.sees(", log in");
    const url = /Listening on (\S+?),/.exec(relay.err() + relay.out())![1];
    const response = await fetch(`${url}/call/start`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("api:a-token-0123456789")}` },
      body: JSON.stringify({ start: startOf("a-call") }),
    });
    assert.equal(response.status, 200, await response.text());
    const sender = start("weave-sender");
    await mock.waitFor((store) => store.callCount(PROJECT) === 1);
    for (const process of [relay, sender]) {
      process.kill("SIGTERM");
      assert.equal((await process.ended).code, 0);
    }
  },
  { skip: withoutNats, timeout: 120_000 },
);
