/**
 * Relays killed while callers write: everything acknowledged is delivered, once.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { type MockServer, startMockServer } from "../../../tools/mock_server/serve.ts";
import { type Surroundings, temporary } from "../../support/cli/cli_support.ts";
import { ids } from "../../support/cli/written_logs.ts";
import { test } from "../../harness.ts";
import { endOf, PROJECT, startOf } from "../../support/mock_server/mock_requests.ts";
import { sendWrite } from "../../support/relay/every_write.ts";
import { startRelayProcess } from "../../support/relay/relay_process.ts";

/** Number of rounds; set RELAY_KILL_ROUNDS for more. */
const ROUNDS = Number(process.env.RELAY_KILL_ROUNDS ?? 2);
const CALLERS = 8;

/** Requests of callers, and the acknowledged ones. */
class Load {
  readonly sent: Set<string> = new Set();
  readonly calls: Set<string> = new Set();
  readonly notes: Set<string> = new Set();
  readonly #waiting = new Set<() => void>();
  #callers: Promise<void>[] = [];

  /** Starts callers, which stop when the relay no longer responds. */
  start(url: string): void {
    this.#callers = Array.from({ length: CALLERS }, () => this.#call(url));
  }

  /** Resolves when this many calls have been acknowledged. */
  answered(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.calls.size < count) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Resolves when all callers have stopped. */
  async ended(): Promise<void> {
    await Promise.all(this.#callers);
  }

  async #call(url: string): Promise<void> {
    try {
      for (;;) {
        const id = ids.uuidv7();
        this.sent.add(id);
        const start = startOf(id, { trace_id: id, inputs: { text: "x".repeat(500) } });
        const batch = [
          { mode: "start", req: { start } },
          { mode: "end", req: { end: endOf(id) } },
        ];
        const call = await sendWrite(url, { path: "/call/upsert_batch", body: { batch } });
        assert.equal(call.status, 200);
        this.calls.add(id);
        const note = await sendWrite(url, {
          path: "/feedback/create",
          body: {
            project_id: PROJECT,
            weave_ref: `weave:///${PROJECT}/call/${id}`,
            feedback_type: "note",
            payload: { note: id },
          },
        });
        assert.equal(note.status, 200);
        this.notes.add(note.json.id as string);
        for (const look of this.#waiting) look();
      }
    } catch (error) {
      // The relay was killed.
      if (error instanceof assert.AssertionError) throw error;
    }
  }
}

const sending = (cwd: string, { url }: MockServer): Surroundings => ({
  cwd,
  env: { WF_TRACE_SERVER_URL: url, WANDB_API_KEY: "a-secret-key-0123456789" },
});

/** Whether the server has everything that was acknowledged. */
function isComplete({ store }: MockServer, { calls, notes }: Load): boolean {
  const finished = new Set(
    store.calls(PROJECT).filter(({ ended_at }) => ended_at !== null).map(({ id }) => id),
  );
  const feedback = new Set(store.feedback(PROJECT).map(({ id }) => id as string));
  return [...calls].every((id) => finished.has(id)) && [...notes].every((id) => feedback.has(id));
}

async function killRelays(isAway: boolean): Promise<void> {
  await using place = await temporary();
  await using mock = await startMockServer();
  const load = new Load();
  if (isAway) await mock.stop();
  for (let round = 1; round <= ROUNDS; round++) {
    const relay = await startRelayProcess(sending(place.path, mock));
    load.start(relay.url);
    await load.answered(round * 100);
    relay.kill("SIGKILL");
    await relay.ended;
    await load.ended();
  }
  if (isAway) await mock.restart();
  const last = await startRelayProcess(sending(place.path, mock));
  await mock.waitFor(() => isComplete(mock, load), { timeout: 90_000 });
  last.kill("SIGTERM");
  assert.equal((await last.ended).code, 0);
  // Requests without a response may have been stored too, but nothing else.
  for (const { id } of mock.store.calls(PROJECT)) assert.ok(load.sent.has(id));
  const { conflicts, orphanEnds, duplicateFeedback, duplicateCompletes } = mock.store.counts;
  assert.deepEqual({ conflicts, orphanEnds }, { conflicts: 0, orphanEnds: 0 });
  if (isAway) {
    // Only one relay has sent, and it was not killed.
    assert.deepEqual({ duplicateFeedback, duplicateCompletes }, {
      duplicateFeedback: 0,
      duplicateCompletes: 0,
    });
    assert.ok(mock.store.callCount(PROJECT) - load.calls.size <= ROUNDS * CALLERS);
  }
}

test("relay: no acknowledged record is lost when it is killed while sending", async () => {
  await killRelays(false);
}, { timeout: 180_000 });

test(
  "relay: nothing that was answered is lost when it is killed while the server is away",
  async () => {
    await killRelays(true);
  },
  { timeout: 180_000 },
);
