import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "@std/path";
import { startMockServer } from "../../tools/mock_server/serve.ts";
import { cli } from "../support/cli/cli.ts";
import { temporary } from "../support/cli/cli_support.ts";
import { openLog, writeCalls } from "../support/cli/written_logs.ts";
import { test } from "../harness.ts";
import { endOf, post, PROJECT, send, startOf } from "../support/mock_server/mock_requests.ts";
import { callId } from "../support/relay/every_write.ts";
import { startRelayProcess } from "../support/relay/relay_process.ts";

const SLOW = { timeout: 180_000 };
const PATIENT = { timeout: 90_000 };
const KEY = "a-secret-key-0123456789";
const TOKEN = "caller-token-0123456789abcdef0123456789";

const sending = (cwd: string, server: string) => ({
  cwd,
  env: { WF_TRACE_SERVER_URL: server, WANDB_API_KEY: KEY },
});

test(
  "relay: the command takes writes, sends what dead processes left, and ends with 0 on SIGTERM",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    const orphaned = openLog(place.wal, "acme/orphaned", { server: mock.url });
    writeCalls(orphaned, "acme/orphaned", 3);
    await orphaned.finish();
    const relay = await startRelayProcess(sending(place.path, mock.url));
    await mock.waitFor((store) => store.finishedCount("acme/orphaned") === 3, PATIENT);
    const id = callId(1);
    const start = { mode: "start", req: { start: startOf(id, { trace_id: id }) } };
    const batch = [start, { mode: "end", req: { end: endOf(id) } }];
    assert.equal((await post(relay, "/call/upsert_batch", { batch })).status, 200);
    // Delivered within the grace period.
    relay.kill("SIGTERM");
    const { code, err } = await relay.ended;
    assert.equal(code, 0, err);
    assert.equal(mock.store.finishedCount(PROJECT), 1);
    assert.match(err, /Ended: accepted 1 request with 2 records/);
    assert.ok(!err.includes(KEY));
  },
  SLOW,
);

test(
  "relay: records that cannot be sent within --grace stay on disk for the next relay",
  async () => {
    await using place = await temporary();
    await using mock = await startMockServer();
    await mock.stop();
    const relay = await startRelayProcess(sending(place.path, mock.url), [
      "--grace",
      "0s",
      "--json",
    ]);
    const object = { obj: { project_id: PROJECT, object_id: "a", val: 1 } };
    assert.equal((await post(relay, "/obj/create", object)).status, 200);
    relay.kill("SIGTERM");
    const { code, out } = await relay.ended;
    assert.equal(code, 0);
    for (const line of out.trim().split("\n")) assert.ok(JSON.parse(line).event, line);
    await mock.restart();
    const next = await startRelayProcess(sending(place.path, mock.url));
    await mock.waitFor(({ counts }) => counts.objects === 1, PATIENT);
    next.kill("SIGINT");
    assert.equal((await next.ended).code, 130);
  },
  SLOW,
);

test(
  "relay: callers from elsewhere need tokens; options that cannot be used are named",
  async () => {
    await using place = await temporary();
    const surroundings = sending(place.path, "http://127.0.0.1:9");
    const refused = async (...args: string[]) => {
      const { code, err } = await cli(["relay", ...args], surroundings);
      assert.equal(code, 2, err);
      return err;
    };
    assert.match(await refused("--listen", "0.0.0.0:0"), /without --token-file/);
    writeFileSync(join(place.path, "short"), "short-one\n");
    const short = await refused("--token-file", "short");
    assert.match(short, /Cannot use --token-file short: a token has fewer than 16/);
    assert.ok(!short.includes("short-one"));
    assert.match(
      await refused("--tls-cert", "cert.pem"),
      /--tls-cert and --tls-key are needed together/,
    );
    assert.match(await refused("--listen", "127.0.0.1:99999"), /Expected an address/);
    assert.match(await refused("--fsync", "always"), /not one of group, interval, never/);
    writeFileSync(join(place.path, "tokens"), `# for callers\n${TOKEN}\n`);
    const relay = await startRelayProcess(surroundings, ["--token-file", "tokens"]);
    assert.equal((await send(`${relay.url}/healthz`)).status, 200);
    const object = { obj: { project_id: PROJECT, object_id: "a", val: 1 } };
    assert.equal((await post(relay, "/obj/create", object)).status, 401);
    const headers = { authorization: `Basic ${btoa(`api:${TOKEN}`)}` };
    assert.equal((await post(relay, "/obj/create", object, { headers })).status, 200);
    const taken = await cli(["relay", "--listen", new URL(relay.url).host], surroundings);
    assert.equal(taken.code, 2);
    assert.match(taken.err, /Cannot listen on 127\.0\.0\.1/);
    relay.kill("SIGKILL");
    assert.ok(!(await relay.ended).err.includes(TOKEN));
  },
  SLOW,
);
