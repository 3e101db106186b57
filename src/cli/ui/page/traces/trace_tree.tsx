/**
 * The calls of one trace as a tree with a timeline.
 *
 * @module
 */

import type { CSSProperties, JSX, TargetedKeyboardEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { CallPage, CallView, TraceView } from "../../api_types.ts";
import { formatDuration } from "../../../terminal/format.ts";
import { get } from "../api.ts";
import { CallDetails } from "./call_details.tsx";
import { Failure } from "../parts.tsx";

/** Levels that are indented; deeper calls show their level as a number. */
const MAX_INDENT = 12;
/** Percent of the timeline that a call takes at least. */
const MIN_WIDTH = 0.5;

/** The tree, loaded in pages, and the details of the chosen call. */
export function TraceTree(
  { trace, directory }: { trace: TraceView; directory: string },
): JSX.Element {
  const [calls, setCalls] = useState<readonly CallView[]>([]);
  const [failure, setFailure] = useState<string | null>(null);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const loaded = useRef(0);
  const load = async (from: number, signal?: AbortSignal): Promise<void> => {
    try {
      const page = await get<CallPage>("trace", { key: trace.key, from }, signal);
      setCalls((before) => [...before.slice(0, from), ...page.calls]);
      loaded.current = from + page.calls.length;
      setFailure(null);
    } catch (error) {
      if (!signal?.aborted) setFailure((error as Error).message);
    }
  };
  // A trace that grows is read again.
  useEffect(() => {
    const end = new AbortController();
    load(0, end.signal);
    return () => end.abort();
  }, [trace.key, trace.calls, trace.running, trace.bytes]);

  const rows = useMemo(() => visible(calls, closed), [calls, closed]);
  const span = useMemo(() => spanOf(trace, calls), [trace, calls]);
  const focused = rows.some(({ id }) => id === active) ? active : rows[0]?.id;
  const tree = useRef<HTMLDivElement>(null);
  const goTo = (id: string | undefined): void => {
    if (id === undefined) return;
    setActive(id);
    const items = tree.current!.querySelectorAll<HTMLElement>("[data-call]");
    [...items].find((item) => item.dataset.call === id)?.focus();
  };
  const toggle = (id: string, open: boolean): void => {
    const next = new Set(closed);
    if (open) next.delete(id);
    else next.add(id);
    setClosed(next);
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLElement>): void => {
    const at = rows.findIndex(({ id }) => id === focused);
    const row = rows[at];
    if (row === undefined) return;
    const steps: Record<string, () => void> = {
      ArrowDown: () => goTo(rows[at + 1]?.id),
      ArrowUp: () => goTo(rows[at - 1]?.id),
      Home: () => goTo(rows[0].id),
      End: () => goTo(rows[rows.length - 1].id),
      ArrowRight: () =>
        row.parent && closed.has(row.id) ? toggle(row.id, true) : goTo(rows[at + 1]?.id),
      ArrowLeft: () =>
        row.parent && !closed.has(row.id)
          ? toggle(row.id, false)
          : goTo(rows.slice(0, at).findLast(({ depth }) => depth < row.depth)?.id),
      Enter: () => setChosen(row.id),
      " ": () => setChosen(row.id),
    };
    if (!Object.hasOwn(steps, event.key)) return;
    event.preventDefault();
    steps[event.key]();
  };
  const call = calls.find(({ id }) => id === chosen);
  return (
    <div class="opened">
      <div>
        <Failure message={failure} />
        <div class="tree" role="tree" aria-label="Calls" ref={tree} onKeyDown={onKeyDown}>
          {rows.map((row) => (
            <Row
              key={row.id}
              call={row}
              span={span}
              isFocused={row.id === focused}
              isChosen={row.id === chosen}
              isClosed={closed.has(row.id)}
              onChoose={() => {
                setActive(row.id);
                setChosen(row.id);
              }}
              onToggle={() => toggle(row.id, closed.has(row.id))}
            />
          ))}
        </div>
        {loaded.current < trace.calls && calls.length > 0
          ? (
            <p>
              <button type="button" onClick={() => load(loaded.current)}>
                {`Show more calls (${loaded.current} of ${trace.calls} shown)`}
              </button>
            </p>
          )
          : null}
      </div>
      {call === undefined ? null : (
        <CallDetails
          key={`${call.id} ${call.endAt}`}
          call={call}
          directory={directory}
          onClose={() => {
            setChosen(null);
            goTo(call.id);
          }}
        />
      )}
    </div>
  );
}

interface Span {
  readonly start: number;
  readonly length: number;
}

function Row(
  { call, span, isFocused, isChosen, isClosed, onChoose, onToggle }: {
    call: CallView;
    span: Span;
    isFocused: boolean;
    isChosen: boolean;
    isClosed: boolean;
    onChoose: () => void;
    onToggle: () => void;
  },
): JSX.Element {
  const { depth, parent, name, error, hasEnd, started, ended } = call;
  const time = started === null || ended === null ? null : Math.max(0, ended - started);
  const state = error !== null ? "bad" : hasEnd ? "good" : "busy";
  return (
    <div
      role="treeitem"
      class="row"
      data-call={call.id}
      tabIndex={isFocused ? 0 : -1}
      aria-level={depth + 1}
      aria-expanded={parent ? !isClosed : undefined}
      aria-selected={isChosen}
      onClick={onChoose}
    >
      <span class="what" title={name} style={{ paddingLeft: `${Math.min(depth, MAX_INDENT)}rem` }}>
        <span
          class="fold"
          aria-hidden="true"
          onClick={(event) => {
            event.stopPropagation();
            if (parent) onToggle();
          }}
        >
          {parent ? (isClosed ? "▸" : "▾") : ""}
        </span>
        {depth > MAX_INDENT ? <span class="quiet">{depth}</span> : null} {name}{" "}
        {error === null ? null : <span class="error">✗ {error}</span>}
      </span>
      <span class="time">
        {time === null ? (hasEnd ? "" : "no end yet") : formatDuration(time)}
      </span>
      <span class="line" aria-hidden="true">
        <span class={`bar ${state}`} style={barOf(call, span)} />
      </span>
    </div>
  );
}

function barOf({ started, ended }: CallView, { start, length }: Span): CSSProperties {
  const from = started ?? ended ?? start;
  const to = ended ?? start + length;
  const left = Math.min(100 - MIN_WIDTH, Math.max(0, ((from - start) / length) * 100));
  const width = Math.min(100 - left, Math.max(MIN_WIDTH, ((to - from) / length) * 100));
  return { left: `${left}%`, width: `${width}%` };
}

/** The time that the timeline shows. */
function spanOf(trace: TraceView, calls: readonly CallView[]): Span {
  const start = trace.started ?? 0;
  const last = calls.reduce(
    (most, { started, ended }) => Math.max(most, started ?? 0, ended ?? 0),
    start,
  );
  return { start, length: Math.max(1, trace.duration ?? last - start) };
}

/** The calls that are not below a closed one. */
function visible(calls: readonly CallView[], closed: ReadonlySet<string>): readonly CallView[] {
  let hiddenBelow = Infinity;
  return calls.filter(({ id, depth }) => {
    if (depth > hiddenBelow) return false;
    hiddenBelow = closed.has(id) ? depth : Infinity;
    return true;
  });
}
