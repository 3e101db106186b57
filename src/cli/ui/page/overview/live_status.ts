/**
 * Polls the status of all logs while the page is visible.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Sample, StatusView } from "../../api_types.ts";
import { get } from "../api.ts";

/** Ms between two requests. */
const INTERVAL_MS = 1_000;
/** Ms between two requests while the server does not respond. */
const RETRY_MS = 3_000;
/** Maximum number of samples, the same as on the server. */
const MAX_SAMPLES = 900;

/** The last response, and all samples. */
export interface LiveStatus {
  readonly status: StatusView | null;
  readonly samples: readonly Sample[];
  /** Why there is no newer response; `null` if there is one. */
  readonly lost: string | null;
}

/** Follows the status. */
export function useLiveStatus(): LiveStatus {
  const [live, setLive] = useState<LiveStatus>({ status: null, samples: [], lost: null });
  const samples = useRef<readonly Sample[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = new AbortController();
    const look = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.hidden) return;
      let next = INTERVAL_MS;
      try {
        const since = samples.current.at(-1)?.at ?? 0;
        const status = await get<StatusView>("status", { since }, end.signal);
        samples.current = [...samples.current, ...status.samples].slice(-MAX_SAMPLES);
        setLive({ status, samples: samples.current, lost: null });
      } catch (error) {
        if (end.signal.aborted) return;
        next = RETRY_MS;
        setLive((before) => ({ ...before, lost: (error as Error).message }));
      }
      timer = setTimeout(look, next);
    };
    const onVisible = (): void => void (document.hidden || look());
    document.addEventListener("visibilitychange", onVisible);
    look();
    return () => {
      end.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, []);
  return live;
}
