import assert from "node:assert/strict";
import { MemoryRuntime } from "../../support/simulated_runtime/memory.ts";
import { MemoryHost } from "../../support/simulated_runtime/memory_host.ts";
import {
  ABANDONED_AFTER_MS,
  HEARTBEAT_MS,
  STALE_AFTER_MS,
} from "../../../src/wal/processes/failure_detector.ts";
import {
  OrphanScanner,
  type OrphanScannerOptions,
} from "../../../src/wal/orphans/orphan_scanner.ts";
import { formatStem } from "../../../src/wal/segment/segment_name.ts";
import { test } from "../../harness.ts";
import { LogWorld, PROJECT, SERVER, WAL } from "../../support/wal/wal_fixture.ts";
import {
  oldTokenOf,
  ownerText,
  presenceOf,
  putSegment,
  tokenOf,
} from "../../support/wal/writer_fixture.ts";

const OWN = tokenOf(0xfff);

function scannerOf(runtime: MemoryRuntime, changes: Partial<OrphanScannerOptions> = {}) {
  return new OrphanScanner({ runtime, root: WAL, server: SERVER, token: OWN, ...changes });
}

/** The segments that may be drained, as `<number of the writer>@<ns>`. */
async function found(scanner: OrphanScanner): Promise<{ final: string[]; open: string[] }> {
  const { final, open } = await scanner.scan(PROJECT, true);
  const name = (stem: string) =>
    `${Number.parseInt(stem.slice(21, 29), 16)}@${Number(stem.slice(0, 20))}`;
  return { final: final.map(({ stem }) => name(stem)), open: open.map(({ stem }) => name(stem)) };
}

/** A process with a presence file. */
function start(world: LogWorld, number: number, sender: boolean, runtime = world.process()) {
  const token = tokenOf(number);
  const presence = presenceOf(runtime, token, { sender });
  presence.ensure();
  return { token, runtime, presence };
}

const DATA = { ".jsonl": "{}\n" };
const OPEN = { ...DATA, ".lock": "1" };
const ELSEWHERE = { name: "elsewhere", bootId: "b", pidNamespace: "pid:[9]" };

test("orphan scanner: all segments of dead processes are final, oldest first", async () => {
  const world = new LogWorld();
  const [one, two] = [start(world, 1, true), start(world, 2, false)];
  for (const [token, ns] of [[two, 5n], [two, 1n], [one, 3n], [one, 2n]] as const) {
    putSegment(world, token.token, ns === 5n ? OPEN : DATA, ns);
  }
  one.runtime.kill();
  two.runtime.kill();
  assert.deepEqual(await found(scannerOf(world.process())), {
    final: ["2@1", "1@2", "1@3", "2@5"],
    open: [],
  });
});

test("orphan scanner: the last segment of a running process without a sender is open", async () => {
  const world = new LogWorld();
  const writer = start(world, 1, false);
  putSegment(world, writer.token, OPEN, 3n);
  const scanner = scannerOf(world.process());
  assert.deepEqual(await found(scanner), { final: [], open: ["1@3"] });
  putSegment(world, writer.token, DATA, 1n);
  putSegment(world, writer.token, DATA, 2n);
  const earlier = { final: ["1@1", "1@2"], open: [] };
  assert.deepEqual(await found(scanner), earlier, "it waits for those before it");
  writer.runtime.kill();
  assert.deepEqual(await found(scanner), { final: ["1@1", "1@2", "1@3"], open: [] });
});

test("orphan scanner: an open segment becomes final when its lock is removed or its process dies", () => {
  for (const end of ["lock", "kill"]) {
    const world = new LogWorld();
    const writer = start(world, 1, false);
    const listed = putSegment(world, writer.token, OPEN);
    const runtime = world.process();
    const scanner = scannerOf(runtime);
    assert.equal(scanner.isFinal(listed), false);
    if (end === "kill") writer.runtime.kill();
    else runtime.files.remove(`${PROJECT}/${listed.stem}.lock`);
    assert.equal(scanner.isFinal(listed), true, end);
  }
});

test("orphan scanner: a running process with a sender keeps its segments, including closed ones", async () => {
  const world = new LogWorld();
  const { token } = start(world, 1, true);
  putSegment(world, token, DATA, 1n);
  putSegment(world, token, OPEN, 2n);
  const scanner = scannerOf(world.process());
  for (let n = 0; n < 20; n++) {
    assert.deepEqual(await found(scanner), { final: [], open: [] });
    world.clock.advance(STALE_AFTER_MS);
  }
  assert.deepEqual(world.names().filter((name) => name.endsWith(".fence")), []);
});

test("orphan scanner: a process presumed dead is fenced first, and the fence outlives its files", async () => {
  const world = new LogWorld();
  const { disk, clock } = world;
  const elsewhere = new MemoryRuntime({ disk, clock, host: new MemoryHost(ELSEWHERE) });
  const { token, presence } = start(world, 1, true, elsewhere);
  const { stem } = putSegment(world, token, OPEN);
  const scanner = scannerOf(world.process());
  for (let ms = 0; ms < 3 * STALE_AFTER_MS; ms += HEARTBEAT_MS) {
    assert.deepEqual(await found(scanner), { final: [], open: [] });
    clock.advance(HEARTBEAT_MS);
    presence.heartbeat();
  }
  assert.ok(!world.names().includes(`${stem}.fence`));
  await found(scanner);
  clock.advance(STALE_AFTER_MS);
  const { final } = await scanner.scan(PROJECT, true);
  assert.ok(world.names().includes(`${stem}.fence`));
  assert.deepEqual([...final[0].suffixes].sort(), [".jsonl", ".lock"]);
});

for (const jump of [0, -2, 2, -3_600, 3_600, -86_400 * 365]) {
  test(`orphan scanner: a fence without its segment is removed within minutes, after a jump of the clock by ${jump} s`, async () => {
    const world = new LogWorld();
    const { disk, clock } = world;
    const elsewhere = new MemoryRuntime({ disk, clock, host: new MemoryHost(ELSEWHERE) });
    const { token } = start(world, 1, true, elsewhere);
    const { stem } = putSegment(world, token, OPEN);
    const { runtime, presence } = start(world, 0xfff, true);
    const scanner = scannerOf(runtime);
    await found(scanner);
    clock.advance(STALE_AFTER_MS);
    await found(scanner);
    for (const suffix of [".jsonl", ".lock"]) runtime.files.remove(`${PROJECT}/${stem}${suffix}`);
    await found(scanner);
    assert.deepEqual(world.names(), [`${stem}.fence`], "its writer may resume");
    clock.jump(jump * 1_000);
    for (let ms = 0; ms <= ABANDONED_AFTER_MS; ms += 60_000) {
      clock.advance(60_000);
      presence.heartbeat();
      await found(scanner);
    }
    assert.deepEqual(world.names(), []);
  });
}

test("orphan scanner: a heartbeat after the fence keeps the segment with its process", async () => {
  const world = new LogWorld();
  const { disk, clock } = world;
  const elsewhere = new MemoryRuntime({ disk, clock, host: new MemoryHost(ELSEWHERE) });
  const { token, presence } = start(world, 1, true, elsewhere);
  putSegment(world, token, OPEN);
  const runtime = world.process();
  const scanner = scannerOf(runtime);
  await found(scanner);
  clock.advance(STALE_AFTER_MS);
  runtime.fault = ({ kind, path }) => {
    if (kind === "create" && path.endsWith(".fence")) presence.heartbeat();
    return undefined;
  };
  assert.deepEqual(await found(scanner), { final: [], open: [] });
});

test("orphan scanner: segments of this process are its own, unless they are reclaimed", async () => {
  const world = new LogWorld();
  const own = start(world, 7, true);
  const [closed] = [putSegment(world, own.token, DATA, 1n), putSegment(world, own.token, OPEN, 2n)];
  const options = { token: own.token };
  const scanner = scannerOf(own.runtime, options);
  assert.deepEqual(await found(scanner), { final: [], open: [] });
  scanner.reclaim(closed.stem);
  assert.deepEqual((await found(scanner)).final, ["7@1"], "another process took it over");
  const evictor = scannerOf(own.runtime, { ...options, includeOwn: true });
  assert.deepEqual(await found(evictor), { final: ["7@1"], open: [] }, "the open one is in use");
});

test("orphan scanner: sidecars without data are removed with their dead process, dead letters are kept", async () => {
  const world = new LogWorld();
  const [dead, alive] = [start(world, 1, true), start(world, 2, true)];
  const sidecars = { ".lock": "1", ".checkpoint": "1", ".fence": "", ".checkpoint.7.tmp": "" };
  const deadLetters = { ".deadletter": "{}\n", ".quarantine": "x" };
  putSegment(world, dead.token, { ...sidecars, ...deadLetters });
  const kept = putSegment(world, alive.token, { ".lock": "1" });
  dead.runtime.kill();
  await found(scannerOf(world.process()));
  const { stem } = formatStem(1n, dead.token);
  assert.deepEqual(
    world.names(),
    [`${stem}.deadletter`, `${stem}.quarantine`, `${kept.stem}.lock`].sort(),
  );
});

test("orphan scanner: sidecars whose data file is just being created stay", () => {
  const world = new LogWorld();
  const { token, runtime } = start(world, 1, true);
  const leftover = putSegment(world, token, { ".lock": "1" });
  runtime.kill();
  putSegment(world, token, DATA);
  scannerOf(world.process()).clear(leftover);
  assert.ok(world.names().includes(`${leftover.stem}.lock`));
});

test("orphan scanner: probes of version 0.1 are removed when they are abandoned", async () => {
  const world = new LogWorld();
  const name = `${"a".repeat(32)}.probe`;
  world.disk.put(`${PROJECT}/${name}`, "");
  const scanner = scannerOf(world.process());
  await found(scanner);
  assert.deepEqual(world.names(), [name]);
  world.clock.advance(STALE_AFTER_MS);
  await found(scanner);
  assert.deepEqual(world.names(), []);
});

test("orphan scanner: segments of all three writers of the format are found together", async () => {
  const world = new LogWorld();
  const dead = start(world, 1, true);
  putSegment(world, dead.token, OPEN, 1n);
  putSegment(world, oldTokenOf(2), { ...OPEN, ".owner": ownerText(dead.runtime) }, 2n);
  putSegment(world, "0".repeat(7) + "3" + "c".repeat(24), { ...DATA, ".lock": "999999" }, 3n);
  dead.runtime.kill();
  const { final } = await scannerOf(world.process()).scan(PROJECT, true);
  assert.equal(final.length, 3);
});

test("orphan scanner: which processes have segments is known after a scan", async () => {
  const world = new LogWorld();
  for (const number of [1, 2]) putSegment(world, tokenOf(number), DATA, BigInt(number));
  const runtime = world.process();
  const scanner = scannerOf(runtime);
  const writers = () => [1, 2, 3].filter((number) => scanner.isWriter(tokenOf(number)));
  assert.deepEqual(writers(), []);
  await found(scanner);
  assert.deepEqual(writers(), [1, 2]);
  runtime.files.remove(`${PROJECT}/${formatStem(1n, tokenOf(1)).stem}.jsonl`);
  await found(scanner);
  assert.deepEqual(writers(), [2]);
});

test("orphan scanner: an unlistable directory is an error, and can be scanned later", async () => {
  const world = new LogWorld();
  world.put("{}\n");
  const runtime = world.process();
  const scanner = scannerOf(runtime);
  for (const code of ["EIO", "EACCES", "ENOENT"]) {
    runtime.fault = ({ kind }) => kind === "list" ? { code } : undefined;
    await assert.rejects(scanner.scan(PROJECT, true), { code });
  }
  runtime.fault = undefined;
  assert.equal((await scanner.scan(PROJECT, true)).final.length, 1);
});
