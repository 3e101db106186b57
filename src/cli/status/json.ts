/**
 * `weave-wal status --json`. Times are ISO 8601, sizes bytes, ages ms.
 *
 * @module
 */

import type { Party } from "../../wal/ownership/segment_status.ts";
import type { SenderView } from "../../wal/ownership/sender_status.ts";
import type { Advice } from "./advice.ts";
import { senderStateOf } from "./sender_state.ts";
import { fileName, type SegmentReport, type StatusReport, totalsOf } from "./report.ts";
import { writersOf } from "./writer_summary.ts";

/** The report as one JSON value. */
export function statusJson(report: StatusReport, advice: readonly Advice[]): unknown {
  const { at, senders } = report;
  const totals = totalsOf(report);
  return {
    dir: report.root,
    at: iso(at),
    ...totals,
    ...age(totals.oldest, at),
    projects: report.projects.length === 0 ? [] : report.projects.map((project) => {
      const sender = senderStateOf(project, senders);
      return {
        entity: project.entity,
        project: project.project,
        files: project.segments.length,
        pendingRecords: project.pendingRecords,
        pendingBytes: project.pendingBytes,
        ...age(project.oldest, at),
        writers: Object.fromEntries(
          [...writersOf(project)].map(([standing, writers]) => [standing, writers.length]),
        ),
        deadLetters: {
          total: project.deadLetters.total,
          byReason: project.deadLetters.byReason,
          last: project.deadLetters.last === null ? null : {
            at: iso(project.deadLetters.last.at),
            message: project.deadLetters.last.message,
          },
        },
        sender: {
          state: sender.state,
          by: sender.by === null ? null : partyJson(sender.by),
          reason: sender.note?.reason || null,
          lastError: sender.note === null ? null : lastErrorJson(sender.note),
        },
        segments: project.segments.map((segment) => segmentJson(segment, at)),
      };
    }),
    senders: senders.map(senderJson),
    advice,
  };
}

function segmentJson(segment: SegmentReport, at: number): unknown {
  const { state } = segment;
  const { writer, claim, checkpoint } = state;
  return {
    file: fileName(state),
    bytes: state.size,
    checkpoint: checkpoint.offset,
    checkpointTrouble: checkpoint.distrusted ?? null,
    pendingRecords: segment.pendingRecords,
    pendingBytes: segment.pendingBytes,
    ...age(segment.oldest, at),
    writer: { ...partyJson(writer), sends: writer.sends, server: writer.server },
    claim: claim === null ? null : partyJson(claim),
  };
}

function senderJson(note: SenderView): unknown {
  return {
    ...partyJson(note),
    server: note.server,
    state: note.state,
    reason: note.reason || null,
    since: iso(note.since),
    delivered: note.delivered,
    deadLettered: note.deadLettered,
    lastDelivery: iso(note.lastDelivery),
    lastError: lastErrorJson(note),
  };
}

function lastErrorJson({ lastError }: SenderView): unknown {
  return lastError === null ? null : { message: lastError.message, at: iso(lastError.at) };
}

function partyJson({ standing, pid, host, beat }: Party): Record<string, unknown> {
  return { standing, pid, host, beat: iso(beat) };
}

function age(oldest: number | null, now: number): Record<string, unknown> {
  return {
    oldest: iso(oldest),
    ageMs: oldest === null ? null : Math.max(0, Math.round(now - oldest)),
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
