/**
 * A log on a real server, written by this process, and commands that run on it.
 *
 * @module
 */

import { StreamLog } from "../../../src/jetstream/log/stream_log.ts";
import type { RecordType } from "../../../src/protocol/record_types.ts";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { cli } from "../cli/cli.ts";
import { type Finished, type Surroundings, temporary } from "../cli/cli_support.ts";
import { ids } from "../cli/written_logs.ts";
import { openTestEngine, type TestEngine } from "./engine_fixture.ts";
import { type NatsServer, startNats } from "./nats_server.ts";

/** A stream, and the server for its records. */
export interface StreamFixture extends AsyncDisposable {
  readonly server: NatsServer;
  readonly mock: MockServer;
  readonly engine: TestEngine;
  /** The value of `--log`. */
  readonly log: string;
  readonly surroundings: Surroundings;
  /** Appends records to the stream. */
  write(name: string, records: readonly (readonly [RecordType, string])[]): Promise<void>;
  /** Runs `weave-wal` on the stream. */
  run(...args: string[]): Promise<Finished>;
}

/** Creates a stream. */
export async function openStreamFixture(partitions = 2, maxBytes?: number): Promise<StreamFixture> {
  const server = await startNats();
  const place = await temporary();
  const mock = await startMockServer({ journalBodies: true });
  const settings = { server: mock.url, partitions, maxBytes, leaseTtlMs: 5_000 };
  const engine = await openTestEngine(server.address, settings, "LOG");
  const log = `nats://${server.address}/LOG`;
  const surroundings = {
    cwd: place.path,
    env: { WF_TRACE_SERVER_URL: mock.url, WANDB_API_KEY: "a-secret-key-0123456789" },
  };
  return {
    server,
    mock,
    engine,
    log,
    surroundings,
    async write(projectId, records) {
      const stream = () => ({ engine, prefix: "weave-wal", partitions });
      await new StreamLog({ stream, projectId, writer: ids.uuidHex() }).write(records);
    },
    run: (...args) => cli([...args, "--log", log], surroundings),
    async [Symbol.asyncDispose]() {
      for (const part of [engine, mock, place, server]) await part[Symbol.asyncDispose]();
    },
  };
}

/** Feedback as it is appended. */
export function feedback(name: string, id: string): readonly [RecordType, string] {
  const ref = `weave:///${name}/call/c`;
  return [
    "feedback_create",
    `{"id":"${id}","project_id":"${name}","weave_ref":"${ref}","feedback_type":"custom","payload":{"n":1.0,"big":12345678901234567890}}`,
  ];
}

/** Leaves dead letters: feedback that the server rejects with 422. Returns the requests. */
export async function refuse(
  fixture: StreamFixture,
  name: string,
  count: number,
): Promise<string[]> {
  const records = Array.from({ length: count }, (_, i) => feedback(name, `${name}-${i}`));
  await fixture.write(name, records);
  const fault = fixture.mock.faults.add({
    path: /feedback/,
    status: 422,
    body: { reason: "No sense" },
  });
  const sent = await fixture.run("flush");
  if (sent.code !== 1) throw new Error(sent.out + sent.err);
  fault.remove();
  return records.map(([, request]) => request);
}
