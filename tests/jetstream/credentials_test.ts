import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "@std/path";
import { nkeys } from "@nats-io/transport-node";
import { parseLogAddress } from "../../src/jetstream/nats/connect.ts";
import { openEngine } from "../../src/jetstream/nats/open_engine.ts";
import { detectRuntime } from "../../src/runtime/detect.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { test } from "../harness.ts";
import { ownRuntime } from "../support/processes/child_fixture.ts";
import { makeCertificates, withoutOpenssl } from "../support/network/certificates.ts";
import { startNats, withoutNats } from "../support/jetstream/nats_server.ts";

/** The host's runtime with another environment. */
function withEnvironment(variables: Readonly<Record<string, string>>): Runtime {
  const runtime = detectRuntime();
  const process = Object.create(runtime.process, {
    env: { value: (name: string) => variables[name] },
  }) as Runtime["process"];
  return { ...runtime, process };
}

async function connects(
  address: string,
  variables: Readonly<Record<string, string>>,
  scheme: "nats" | "tls" = "nats",
): Promise<void> {
  const engine = await openEngine({
    runtime: withEnvironment(variables),
    address: parseLogAddress(`${scheme}://${address}`),
  });
  await engine.close();
}

test("credentials: user and nkey come from the environment, and are not shown", async () => {
  const user = nkeys.createUser();
  const config = `authorization { users: [
    { user: "relay", password: "hunter22" }, { nkey: "${user.getPublicKey()}" }
  ] }`;
  const directory = await mkdtemp(join(tmpdir(), "weave-wal-nkey-"));
  const seed = join(directory, "user.nk");
  await writeFile(seed, user.getSeed());
  await using server = await startNats({ config });
  await connects(server.address, { NATS_USER: "relay", NATS_PASSWORD: "hunter22" });
  await connects(server.address, { NATS_NKEY: seed });
  const wrong: Record<string, string>[] = [{}, {
    NATS_USER: "relay",
    NATS_PASSWORD: "wrong-password",
  }];
  for (const variables of wrong) {
    await assert.rejects(connects(server.address, variables), (error: Error) => {
      assert.match(error.message, /the servers reject the credentials/);
      assert.doesNotMatch(error.message, /wrong-password/);
      return true;
    });
  }
  await assert.rejects(connects(server.address, { NATS_NKEY: join(directory, "none") }), {
    code: "ERR_INVALID_OPTION",
    message: /NATS_NKEY/,
  });
  await rm(directory, { recursive: true });
}, { skip: withoutNats });

test("credentials: a token", async () => {
  await using server = await startNats({ config: 'authorization { token: "a-token-123" }' });
  await connects(server.address, { NATS_TOKEN: "a-token-123" });
  await assert.rejects(connects(server.address, { NATS_TOKEN: "another" }), {
    code: "ERR_INVALID_OPTION",
  });
}, { skip: withoutNats });

test("credentials: TLS with a private authority, and a certificate of the client", async () => {
  const directory = await mkdtemp(join(tmpdir(), "weave-wal-tls-"));
  makeCertificates(directory, ["server", "client"]);
  const file = (name: string): string => join(directory, name);
  const config = `tls {
  cert_file: "${file("server.pem")}"
  key_file: "${file("server.key")}"
  ca_file: "${file("ca.pem")}"
  verify: true
}`;
  await using server = await startNats({ config });
  const own = { NATS_CERT: file("client.pem"), NATS_KEY: file("client.key") };
  await connects(server.address, { NATS_CA: file("ca.pem"), ...own }, "tls");
  await assert.rejects(connects(server.address, own, "tls"), /Cannot connect to 127\.0\.0\.1/);
  // On Deno, a certificate that the servers reject ends the program.
  if (ownRuntime !== "deno") {
    await assert.rejects(
      connects(server.address, { NATS_CA: file("ca.pem") }, "tls"),
      /Cannot connect to 127\.0\.0\.1/,
    );
  }
  await assert.rejects(connects(server.address, { ...own, NATS_CA: file("none") }, "tls"), {
    code: "ERR_INVALID_OPTION",
    message: /Cannot read the file of NATS_CA/,
  });
  await rm(directory, { recursive: true });
}, { skip: withoutNats || withoutOpenssl });

test("credentials: servers without TLS are refused by tls://", async () => {
  await using server = await startNats();
  await assert.rejects(connects(server.address, {}, "tls"), /Cannot connect to 127\.0\.0\.1/);
}, { skip: withoutNats });

test("credentials: a password in --log is refused, and not repeated", () => {
  assert.throws(() => parseLogAddress("nats://me:hunter22@host"), (error: Error) => {
    assert.match(error.message, /NATS_USER/);
    assert.doesNotMatch(error.message, /hunter22/);
    return true;
  });
  for (const wrong of ["nats://", "http://host", "nats://host/a.b", "nats://host/a/b"]) {
    assert.throws(() => parseLogAddress(wrong), { code: "ERR_INVALID_OPTION" });
  }
  assert.deepEqual(parseLogAddress("tls://a,b:1/LOG"), {
    servers: ["a:4222", "b:1"],
    stream: "LOG",
    tls: true,
  });
});
