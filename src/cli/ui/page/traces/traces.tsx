/**
 * The traces with pending calls of a project, newest first.
 *
 * @module
 */

import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ProjectView, ReportView, TracePage, TraceView } from "../../api_types.ts";
import { formatBytes, formatCount, formatDuration, plural } from "../../../terminal/format.ts";
import { get } from "../api.ts";
import { tracesAddress } from "../overview/overview.tsx";
import { Failure, NoProjects } from "../parts.tsx";
import { timeText } from "../times.ts";
import { TraceTree } from "./trace_tree.tsx";

/** Ms between two looks at the newest traces. */
const REFRESH_MS = 2_000;
/** Ms after the last key before a search begins. */
const TYPING_MS = 300;

/** The view; `chosen` is the entity and the project. */
export function Traces(
  { report, chosen: [directory] }: { report: ReportView; chosen: readonly string[] },
): JSX.Element {
  const { projects, unit } = report;
  const named = projects.find((one) => one.directory === directory);
  const project = named ?? (directory === undefined ? projects[0] : undefined);
  if (project === undefined) {
    return directory === undefined
      ? <NoProjects unit={unit} />
      : <p class="quiet">No such project.</p>;
  }
  return (
    <>
      <p>
        <label>
          Project{" "}
          <select
            value={tracesAddress(project)}
            onChange={({ currentTarget }) => void (location.hash = currentTarget.value)}
          >
            {projects.map((one) => (
              <option key={tracesAddress(one)} value={tracesAddress(one)}>
                {`${one.label} (${formatBytes(one.pendingBytes)})`}
              </option>
            ))}
          </select>
        </label>
      </p>
      <TraceList key={tracesAddress(project)} project={project} />
    </>
  );
}

interface Listed extends TracePage {
  /** Whether more than the first page was asked for. */
  readonly isLong: boolean;
}

function TraceList({ project }: { project: ProjectView }): JSX.Element {
  const { directory } = project;
  const [typed, setTyped] = useState("");
  const [text, setText] = useState("");
  const [errors, setErrors] = useState(false);
  const [list, setList] = useState<Listed | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [newer, setNewer] = useState(0);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const isReading = useRef(false);
  isReading.current = list?.traces.some(({ key }) => open.has(key)) ?? false;
  const request = useRef(new AbortController());
  const query = { directory, text, errors: errors ? 1 : undefined };

  const load = useCallback(async (before: Listed | null) => {
    request.current.abort();
    const { signal } = request.current = new AbortController();
    setBusy(true);
    try {
      const next = before?.next ?? undefined;
      const page = await get<TracePage>("traces", { ...query, next }, signal);
      const traces = before === null ? page.traces : [...before.traces, ...page.traces];
      setList({ ...page, traces, isLong: before !== null });
      if (before === null) setNewer(0);
      setFailure(null);
    } catch (error) {
      if (signal.aborted) return;
      setFailure((error as Error).message);
    }
    setBusy(false);
  }, [directory, text, errors]);

  useEffect(() => {
    const timer = setTimeout(() => setText(typed), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    setList(null);
    load(null);
    return () => request.current.abort();
  }, [load]);

  // Rows do not move under a trace that is open: what is shown is brought up to date.
  const follow = useCallback(async (): Promise<void> => {
    if (!isReading.current) return await load(null);
    const { signal } = request.current = new AbortController();
    try {
      const { traces } = await get<TracePage>("traces", query, signal);
      const fresh = new Map(traces.map((trace) => [trace.key, trace]));
      setList((before) => {
        if (before === null) return null;
        setNewer(traces.filter(({ key }) => !before.traces.some((one) => one.key === key)).length);
        return { ...before, traces: before.traces.map((one) => fresh.get(one.key) ?? one) };
      });
    } catch (error) {
      if (!signal.aborted) setFailure((error as Error).message);
    }
  }, [load]);

  // The first page follows what is written; a user who has loaded more is not disturbed.
  const state = `${project.files} ${project.pendingBytes} ${project.pendingRecords}`;
  const shown = useRef(state);
  const follows = list !== null && !list.isLong && !isBusy;
  useEffect(() => {
    if (!follows || shown.current === state) return;
    const timer = setTimeout(() => {
      shown.current = state;
      follow();
    }, REFRESH_MS);
    return () => clearTimeout(timer);
  }, [follows, state === shown.current, follow]);

  const isPartial = list !== null && list.next !== null;
  return (
    <>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Name or ID{" "}
          <input
            type="search"
            value={typed}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={errors}
            onChange={({ currentTarget }) => setErrors(currentTarget.checked)}
          />{" "}
          only with errors
        </label>
        <button type="button" onClick={() => load(null)}>
          {newer === 0 ? "Refresh" : "Show newer traces"}
        </button>
      </form>
      <Failure message={failure} />
      {list !== null && list.traces.length === 0 && !isPartial
        ? <p class="quiet">No pending calls{text !== "" || errors ? " like that" : ""}.</p>
        : null}
      <ul class="traces" aria-label="Traces, newest first" aria-busy={isBusy}>
        {list?.traces.map((trace) => (
          <TraceItem
            key={trace.key}
            trace={trace}
            directory={directory}
            isOpen={open.has(trace.key)}
            onToggle={() => {
              const next = new Set(open);
              if (!next.delete(trace.key)) next.add(trace.key);
              setOpen(next);
            }}
          />
        ))}
      </ul>
      {isPartial
        ? (
          <p>
            <button
              type="button"
              disabled={isBusy}
              onClick={() => load(list)}
            >
              Show older traces
            </button>{" "}
            <span class="quiet">
              {`${formatBytes(list.read)} of ${formatBytes(list.total)} read`}
            </span>
          </p>
        )
        : null}
    </>
  );
}

function TraceItem(
  { trace, directory, isOpen, onToggle }: {
    trace: TraceView;
    directory: string;
    isOpen: boolean;
    onToggle: () => void;
  },
): JSX.Element {
  return (
    <li>
      <button
        type="button"
        class="trace"
        aria-expanded={isOpen}
        onClick={onToggle}
      >
        <span class="name">{trace.name}</span>
        <span class="quiet">{timeText(trace.started)}</span>
        {trace.duration === null ? null : <span>{formatDuration(trace.duration)}</span>}
        <span>{plural(trace.calls, "call")}</span>
        <span class="quiet">{formatBytes(trace.bytes)}</span>
        {trace.failed === 0
          ? null
          : <span class="badge bad">{`${formatCount(trace.failed)} failed`}</span>}
        {trace.running === 0
          ? null
          : <span class="badge busy">{`${formatCount(trace.running)} without an end`}</span>}
      </button>
      {isOpen ? <TraceTree trace={trace} directory={directory} /> : null}
    </li>
  );
}
