/**
 * The server of `weave-wal ui` as a hono application: the page and its data.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { VERSION } from "../../version.ts";
import { sentAgain } from "../dead_letters/dead_letters.ts";
import { endingOf } from "../exit_codes.ts";
import { type OpenOnce, ownHostOnly, protectiveHeaders, refuse, tokenOnly } from "./access.ts";
import type { DeadLetterSelection, StatusView } from "./api_types.ts";
import { readFields } from "./reads/call_fields.ts";
import type { DeadLetterPages } from "./reads/dead_letter_pages.ts";
import { selectionOfBody, selectionOfQuery } from "./reads/dead_letter_selection.ts";
import type { DeadLetterRetry } from "./dead_letter_retry.ts";
import { ICON, PAGE_HTML } from "./page_html.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page_bundle.ts";
import type { StatusFeed } from "./reads/status_feed.ts";
import type { TracePages } from "./reads/trace_pages.ts";

/** Dependencies of the application. */
export interface UiDeps {
  /** Root directory of all logs, or the address of a stream. */
  readonly place: string;
  /** Base URL of the server in the settings. */
  readonly server: string;
  readonly token: string;
  readonly openOnce: OpenOnce;
  readonly status: StatusFeed;
  readonly traces: TracePages;
  readonly deadLetters: DeadLetterPages;
  readonly retry: DeadLetterRetry;
}

/** Creates the application. */
export function createUiApp(deps: UiDeps): Hono {
  const app = new Hono();
  app.use("*", protectiveHeaders, ownHostOnly);
  app.get(
    "/open/:code",
    async (c) =>
      await deps.openOnce.take(c.req.param("code"))
        ? c.redirect(`/${deps.token}/`)
        : refuse(c, "This address works once: open the one that weave-wal ui printed"),
  );
  app.use("/:token/*", tokenOnly(deps.token));
  app.get("/:token/", (c) => c.html(PAGE_HTML));
  app.get("/:token/page.js", (c) => c.body(PAGE_SCRIPT, 200, JAVASCRIPT));
  app.get("/:token/page.css", (c) => c.body(PAGE_STYLE, 200, CSS));
  app.get("/:token/icon.svg", (c) => c.body(ICON, 200, SVG));
  addStatusRoute(app, deps);
  addTraceRoutes(app, deps);
  addDeadLetterRoutes(app, deps);
  app.notFound((c) => c.json({ error: "Not found" }, 404));
  app.onError((error, c) =>
    c.json({ error: endingOf(error).message ?? "Unexpected failure" }, 500)
  );
  return app;
}

const JAVASCRIPT = { "content-type": "text/javascript; charset=utf-8" };
const CSS = { "content-type": "text/css; charset=utf-8" };
const SVG = { "content-type": "image/svg+xml" };

function addStatusRoute(app: Hono, { place, server, status, retry }: UiDeps): void {
  app.get("/:token/api/status", async (c) => {
    await status.refresh();
    const view: StatusView = {
      version: VERSION,
      place,
      server,
      report: status.report,
      progress: status.progress,
      error: status.error,
      samples: status.samples(numberOf(c, "since")),
      retry: retry.view,
    };
    return c.json(view);
  });
}

function addTraceRoutes(app: Hono, { status, traces }: UiDeps): void {
  app.get("/:token/api/traces", async (c) => {
    const { directory = "", errors, text = "", next } = c.req.query();
    const list = next ?? traces.begin(directory);
    const page = await traces.page(list, { errors: errors === "1", text });
    return page === null ? outdated(c) : c.json(page);
  });
  app.get("/:token/api/trace", (c) => {
    const page = traces.calls(c.req.query("key") ?? "", numberOf(c, "from"));
    return page === null ? outdated(c) : c.json(page);
  });
  app.get("/:token/api/call", async (c) => {
    const { directory = "", id = "", at = "", field } = c.req.query();
    // Only what the report lists may be read.
    const fields = await readFields((name) => status.parts(directory, name), {
      id,
      at,
      from: numberOf(c, "from"),
      ...(field === undefined ? {} : { field }),
    });
    return fields === null ? outdated(c) : c.json({ fields });
  });
}

function addDeadLetterRoutes(app: Hono, { status, deadLetters, retry }: UiDeps): void {
  app.get("/:token/api/dead-letters", async (c) => {
    const list = c.req.query("next") ?? deadLetters.begin(selectionOfQuery(c.req));
    const page = await deadLetters.page(list);
    return page === null ? outdated(c) : c.json(page);
  });
  app.get("/:token/api/dead-letter", async (c) => {
    const { directory = "", id = "" } = c.req.query();
    if (!await status.has(directory)) return outdated(c);
    const detail = await deadLetters.detail(directory, id, numberOf(c, "from"));
    return detail === null ? outdated(c) : c.json(detail);
  });
  app.get(
    "/:token/api/dead-letters/export",
    (c) =>
      c.body(deadLetters.export(selectionOfQuery(c.req)), 200, {
        "content-type": "application/x-ndjson",
        "content-disposition": 'attachment; filename="dead-letters.jsonl"',
      }),
  );
  app.post("/:token/api/dead-letters/retry", async (c) => {
    const selection = await selectionOfBody(c.req);
    if (selection === null) {
      return c.json({ error: "Cannot read which dead letters are meant" }, 400);
    }
    const chosen = deadLetters.select(selection);
    return retry.begin(isWide(selection) ? sentAgain(chosen) : chosen)
      ? c.json({ started: true })
      : c.json({ error: "Dead letters are being sent already" }, 409);
  });
}

/**
 * Returns whether neither individual dead letters nor a reason were selected; those without a
 * record then stay.
 */
function isWide({ ids, reason }: DeadLetterSelection): boolean {
  return ids === undefined && reason === undefined;
}

/** Creates the response for data that was delivered, sent again or deleted since it was listed. */
function outdated(c: Context): Response {
  return c.json({ error: "No longer in the log, or listed too long ago: refresh the list" }, 410);
}

function numberOf(c: Context, name: string): number {
  const value = Number(c.req.query(name) ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}
