import assert from "node:assert/strict";
import { DirectoryRecovery } from "../../src/delivery/recovery/directory_recovery.ts";
import type { DirectoryRecoveryOptions } from "../../src/delivery/recovery/directory_recovery_options.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import type { ListedSegment } from "../../src/wal/orphans/directory_listing.ts";
import type { Orphans, OrphanScanner } from "../../src/wal/orphans/orphan_scanner.ts";
import { formatStem } from "../../src/wal/segment/segment_name.ts";
import { test } from "../harness.ts";
import { costlyClock } from "../support/costly_clock.ts";
import { LogWorld, PROJECT, SERVER, WAL } from "../support/wal/wal_fixture.ts";
import { tokenOf } from "../support/wal/writer_fixture.ts";

const SEGMENTS = 20_000;
/** Time of each look at the writer of a segment, ms: a pass over all of them takes four slices. */
const LOOK_MS = 0.001;
/** A slice, and a few passes over the thousand segments of a chain. */
const MOST_MS = 5 + 5;

/** Segments that exist no more, and take time to be looked at. */
function costlySegments(spend: (ms: number) => void): ListedSegment[] {
  return Array.from({ length: SEGMENTS }, (_, n) => {
    const token = tokenOf(n);
    const { stem } = formatStem(BigInt(n + 1) * 1_000n, token);
    return {
      directory: PROJECT,
      stem,
      get writer(): string {
        spend(LOOK_MS);
        return token;
      },
      suffixes: new Set([".jsonl"]),
    };
  });
}

/** A recovery of what a scan always finds. */
function recoveryOf(
  found: Partial<Orphans>,
  clock: Runtime["clock"],
  changes: Partial<DirectoryRecoveryOptions> = {},
): DirectoryRecovery {
  const { name, process, files } = new LogWorld().process();
  const orphans = { final: [], open: [], interrupted: [], names: SEGMENTS, ...found };
  return new DirectoryRecovery({
    runtime: { name, process, files, clock },
    root: WAL,
    directory: PROJECT,
    server: SERVER,
    token: tokenOf(SEGMENTS + 1),
    scanner: { scan: () => Promise.resolve(orphans) } as unknown as OrphanScanner,
    drain: {
      onTrouble: (what: string, error: unknown) => assert.fail(`${what}: ${error}`),
    } as never,
    onProgress: () => {},
    onComplete: () => {},
    onChange: () => {},
    isServerReady: () => true,
    ...changes,
  });
}

test("recovery: twenty thousand segments are passed on to drains in slices", async () => {
  const { clock, spend, longest } = costlyClock();
  let recovery: DirectoryRecovery;
  const processes = await new Promise<number>((resolve) => {
    const onComplete: DirectoryRecoveryOptions["onComplete"] = (start) => resolve(start.processes);
    recovery = recoveryOf({ final: costlySegments(spend) }, clock, { onComplete });
    void recovery.look();
  });
  assert.equal(processes, SEGMENTS);
  assert.ok(longest() >= 5 && longest() <= MOST_MS, `${longest()} ms`);
  await recovery!.stop();
});

test("recovery: twenty thousand interrupted writers wait for the server in slices", async () => {
  const { clock, spend, longest } = costlyClock();
  const interrupted = costlySegments(() => {}).map((segment, n) => ({
    token: tokenOf(n),
    get stems(): ListedSegment[] {
      spend(LOOK_MS);
      return [segment];
    },
    isPresumed: false,
    isStillDead: () => true,
  }));
  const recovery = recoveryOf({ interrupted }, clock, { isServerReady: () => false });
  await recovery.look();
  assert.ok(recovery.isBlocked);
  assert.ok(longest() >= 5 && longest() <= MOST_MS, `${longest()} ms`);
  await recovery.stop();
});
