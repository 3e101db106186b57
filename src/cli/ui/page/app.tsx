/**
 * The page: header, navigation and the view that the address names.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ReportView, StatusView } from "../api_types.ts";
import { formatCount } from "../../terminal/format.ts";
import { DeadLetters } from "./dead_letters/dead_letters.tsx";
import { useLiveStatus } from "./overview/live_status.ts";
import { Overview } from "./overview/overview.tsx";
import { Failure } from "./parts.tsx";
import { Traces } from "./traces/traces.tsx";

const VIEWS = { overview: "Overview", traces: "Traces", "dead-letters": "Dead letters" } as const;

/** The whole page. */
export function App(): JSX.Element {
  const { status, samples, lost } = useLiveStatus();
  const [view, ...rest] = useHash();
  const shown = Object.hasOwn(VIEWS, view) ? view as keyof typeof VIEWS : "overview";
  const report = status?.report ?? null;
  return (
    <>
      <header>
        <h1>weave-wal</h1>
        <nav aria-label="Views">
          {Object.entries(VIEWS).map(([name, title]) => (
            <a key={name} href={`#${name}`} aria-current={name === shown ? "page" : undefined}>
              {title}
              {name === "dead-letters" && report !== null && report.totals.deadLetters > 0
                ? <span class="count">{report.totals.deadLetters}</span>
                : null}
            </a>
          ))}
        </nav>
        <p class="place">{status?.place}</p>
      </header>
      <main aria-label={VIEWS[shown]}>
        <Failure message={lost} />
        <Failure message={status?.error ?? null} />
        {status === null
          ? null
          : report === null
          ? <Loading status={status} />
          : !report.hasLogs && report.projects.length === 0
          ? (
            <p>
              {`No logs yet: ${status.place}. This page shows them as soon as a program writes.`}
            </p>
          )
          : <View name={shown} rest={rest} status={status} report={report} samples={samples} />}
      </main>
    </>
  );
}

function View(
  { name, rest, status, report, samples }: {
    name: keyof typeof VIEWS;
    rest: readonly string[];
    status: StatusView;
    report: ReportView;
    samples: ReturnType<typeof useLiveStatus>["samples"];
  },
): JSX.Element {
  if (name === "traces") return <Traces report={report} chosen={rest} />;
  if (name === "dead-letters") return <DeadLetters status={status} report={report} />;
  return <Overview report={report} samples={samples} />;
}

function Loading({ status: { progress } }: { status: StatusView }): JSX.Element {
  if (progress === null) return <p>Reading the logs…</p>;
  const { done, total } = progress;
  return (
    <p>
      <label>
        {`Reading the logs: ${formatCount(done)} of ${formatCount(total)} files `}
        <progress max={total} value={done} />
      </label>
    </p>
  );
}

/** The parts of the address behind `#`. */
function useHash(): readonly string[] {
  const read = (): readonly string[] => location.hash.slice(1).split("/").map(decode);
  const [parts, setParts] = useState(read);
  useEffect(() => {
    const onChange = (): void => setParts(read());
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return parts;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
