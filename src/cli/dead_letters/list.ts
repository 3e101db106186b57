/**
 * `weave-wal dead-letters list`: dead letters, grouped by reason.
 *
 * @module
 */

import type { Context } from "../context.ts";
import { deadLetterJson, type IndexedDeadLetter } from "./index.ts";
import { formatBytes, formatCount, formatDuration, plural, printable } from "../terminal/format.ts";
import { writeJson } from "../terminal/json_output.ts";
import { formatTable } from "../terminal/table.ts";

interface Group {
  readonly reason: string;
  readonly status: number | null;
  /** The server's message, without IDs and numbers. */
  readonly message: string;
  readonly types: Map<string, number>;
  readonly projects: Set<string>;
  count: number;
  first: string | null;
  last: string | null;
  /** Number of the first one. */
  readonly example: number;
}

/** Maximum number of groups; the remaining dead letters form one more group. */
const MAX_GROUPS = 500;

/** Lists dead letters grouped by reason. */
export async function listGroups(
  { terminal: { out }, runtime: { clock } }: Context,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  json: boolean,
): Promise<void> {
  const groups = new Map<string, Group>();
  let total = 0;
  for await (const deadLetter of deadLetters) {
    total++;
    take(groups, deadLetter);
  }
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
  if (json) {
    const value = { total, groups: sorted.map(groupJson) };
    await writeJson(out, `${JSON.stringify(value, null, 2)}\n`);
    return;
  }
  if (total === 0) {
    await out.write("No dead letters\n");
    return;
  }
  const age = (at: string | null): string => {
    const ms = at === null ? NaN : Date.parse(at);
    return Number.isNaN(ms) ? "–" : `${formatDuration(clock.now() - ms)} ago`;
  };
  const rows = sorted.map((group) => [
    formatCount(group.count),
    printable(group.reason),
    group.status === null ? "–" : String(group.status),
    [...group.types].map(([type, count]) => `${type} ${formatCount(count)}`).join(", "),
    age(group.last),
    printable(
      group.projects.size === 1 ? [...group.projects][0] : plural(group.projects.size, "project"),
    ),
    `#${group.example}`,
    printable(group.message),
  ]);
  await out.write(
    await formatTable(
      [
        { title: "COUNT", align: "right" },
        { title: "REASON" },
        { title: "HTTP" },
        { title: "TYPES", flexible: true, optional: 2 },
        { title: "LAST", optional: 1 },
        { title: "PROJECT", flexible: true },
        { title: "FIRST" },
        { title: "MESSAGE", flexible: true },
      ],
      rows,
      out,
    ),
  );
  const help = "weave-wal dead-letters show <number> shows one\n" +
    "weave-wal dead-letters retry sends them again\n";
  await out.write(`\n${plural(total, "dead letter")}\n${out.colors.dim(help)}`);
}

/** Lists dead letters one by one. */
export async function listAll(
  { terminal: { out } }: Context,
  deadLetters: AsyncIterable<IndexedDeadLetter>,
  json: boolean,
): Promise<void> {
  let total = 0;
  for await (const deadLetter of deadLetters) {
    total++;
    if (json) await writeJson(out, `${JSON.stringify(deadLetterJson(deadLetter))}\n`);
    else await out.write(deadLetterRow(deadLetter));
  }
  if (!json && total === 0) await out.write("No dead letters\n");
}

function deadLetterRow(deadLetter: IndexedDeadLetter): string {
  const { number, id, entity, project, entry } = deadLetter;
  const { reason, status, message = "", at = "" } = entry.error;
  const cells = [
    `#${number}`.padEnd(6),
    printable(at).padEnd(24),
    (entry.type ?? "unreadable").padEnd(16),
    printable([reason, status].filter((part) => part !== undefined).join(" ")).padEnd(12),
    formatBytes(entry.request?.length ?? entry.error.length ?? entry.length).padStart(8),
    printable(`${entity}/${project}`),
    printable(id),
    printable(message),
  ];
  return `${cells.join("  ").trimEnd()}\n`;
}

function take(groups: Map<string, Group>, deadLetter: IndexedDeadLetter): void {
  const { entity, project, number, entry: { error, type } } = deadLetter;
  const message = withoutIds(error.message ?? "");
  let key = JSON.stringify([error.reason, error.status ?? null, message]);
  if (!groups.has(key) && groups.size >= MAX_GROUPS) key = "others";
  let group = groups.get(key);
  if (!group) {
    group = {
      reason: key === "others" ? "others" : error.reason,
      status: key === "others" ? null : error.status ?? null,
      message: key === "others" ? "" : message,
      types: new Map(),
      projects: new Set(),
      count: 0,
      first: null,
      last: null,
      example: number,
    };
    groups.set(key, group);
  }
  group.count++;
  const name = type ?? "unreadable";
  group.types.set(name, (group.types.get(name) ?? 0) + 1);
  group.projects.add(`${entity}/${project}`);
  const { at } = error;
  if (at === undefined) return;
  if (group.first === null || at < group.first) group.first = at;
  if (group.last === null || at > group.last) group.last = at;
}

/** Removes IDs and numbers, in which messages about the same problem differ. */
function withoutIds(message: string): string {
  return message
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{20,}/gi, "…")
    .replace(/\b[0-9a-f]{16,}\b/gi, "…")
    .replace(/\d+/g, "…");
}

function groupJson({ types, projects, ...group }: Group): unknown {
  return { ...group, types: Object.fromEntries(types), projects: [...projects] };
}
