/**
 * A pipeline on real files and a mock server, for tests of delivery.
 *
 * @module
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../../../src/client/settings/defaults.ts";
import { hostFetch } from "../../../src/client/server/host_fetch.ts";
import { openPipeline } from "../../../src/client/pipeline/create_pipeline.ts";
import type { WalEvent, WalEventName } from "../../../src/client/pipeline/status/events.ts";
import type { Pipeline, PipelineOptions } from "../../../src/client/pipeline/pipeline.ts";
import {
  type MockServer,
  startMockServer,
  type StartOptions,
} from "../../../tools/mock_server/serve.ts";
import { detectRuntime } from "../../../src/runtime/detect.ts";

/** A random token for a new pipeline. */
export function token(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** Options of a pipeline for `team/project` with short intervals, overridden by `changes`. */
export function pipelineOptions(
  walDir: string,
  serverUrl: string,
  changes: Partial<PipelineOptions> = {},
): PipelineOptions {
  return {
    ...DEFAULTS,
    runtime: detectRuntime(),
    fetch: hostFetch,
    random: () => 0,
    token,
    entity: "team",
    project: "project",
    serverUrl,
    apiKey: "test-key",
    wal: true,
    walDir,
    requireDisk: true,
    useCallsComplete: false,
    lingerMs: 5,
    retryMaxMs: 20,
    onEvent: () => {},
    ...changes,
  };
}

/** A directory, a server, and pipelines between them. */
export class DeliveryFixture {
  readonly directory: string;
  readonly walDir: string;
  readonly mock: MockServer;
  readonly events: WalEvent[] = [];
  #watchers: (() => void)[] = [];
  readonly #pipelines: Pipeline[] = [];

  private constructor(mock: MockServer) {
    this.mock = mock;
    this.directory = mkdtempSync(join(tmpdir(), "weave-wal-test-"));
    this.walDir = join(this.directory, ".weave", "wal");
  }

  static async start(options: StartOptions = {}): Promise<DeliveryFixture> {
    return new DeliveryFixture(await startMockServer(options));
  }

  /** Opens a pipeline; the fixture closes it at the end. */
  open(changes: Partial<PipelineOptions> = {}): Pipeline {
    const pipeline = openPipeline(pipelineOptions(this.walDir, this.mock.url, {
      onEvent: (event) => {
        this.events.push(event);
        for (const watcher of this.#watchers) watcher();
      },
      ...changes,
    }));
    this.#pipelines.push(pipeline);
    return pipeline;
  }

  /** Resolves when an event with this name is reported. */
  event(name: WalEventName): Promise<WalEvent> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events.find((event) => event.name === name);
        if (!found) return;
        this.#watchers = this.#watchers.filter((watcher) => watcher !== look);
        resolve(found);
      };
      this.#watchers.push(look);
      look();
    });
  }

  /** Names of the files below the log's directory, except dead letters and quarantined files. */
  files(): string[] {
    return this.allFiles().filter((name) => !/\.(deadletter|quarantine)$/.test(name));
  }

  /** Names of all files below the log's directory. */
  allFiles(): string[] {
    try {
      return (readdirSync(this.walDir, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile()).map(({ name }) => name).sort();
    } catch {
      return [];
    }
  }

  /** The entries of all dead-letter files. */
  deadLetters(): { type: string; req?: unknown; error: Record<string, unknown> }[] {
    const names = readdirSync(this.walDir, { recursive: true }) as string[];
    return names.filter((name) => name.endsWith(".deadletter")).flatMap((name) =>
      readFileSync(join(this.walDir, name), "utf8").trim().split("\n").map((line) =>
        JSON.parse(line)
      )
    );
  }

  async stop(): Promise<void> {
    for (const pipeline of this.#pipelines) await pipeline.finish({ timeout: 1 });
    await this.mock.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Runs `body` with a fixture and cleans up afterwards. */
export async function withDelivery(
  options: StartOptions,
  body: (fixture: DeliveryFixture) => Promise<void>,
): Promise<void> {
  const fixture = await DeliveryFixture.start(options);
  try {
    await body(fixture);
  } finally {
    await fixture.stop();
  }
}

/** The request for a call's start. */
export function start(id: string, inputs: unknown = { text: "héllo" }): string {
  return JSON.stringify({
    start: {
      project_id: "team/project",
      id,
      trace_id: `trace-${id}`,
      op_name: "answer",
      started_at: "2026-01-01T00:00:00.000000Z",
      attributes: {},
      inputs,
    },
  });
}

/** The request for a call's end. */
export function end(id: string, output: unknown = 42): string {
  return JSON.stringify({
    end: {
      project_id: "team/project",
      id,
      trace_id: `trace-${id}`,
      started_at: "2026-01-01T00:00:00.000000Z",
      ended_at: "2026-01-01T00:00:01.000000Z",
      output,
      summary: {},
    },
  });
}

/** Appends `count` complete calls named `<prefix>0`, `<prefix>1`, … */
export function appendCalls(pipeline: Pipeline, prefix: string, count: number): void {
  for (let i = 0; i < count; i++) {
    pipeline.append("call_start", start(`${prefix}${i}`));
    pipeline.append("call_end", end(`${prefix}${i}`));
  }
}
