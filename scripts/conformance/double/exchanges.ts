/**
 * Requests that the mock server and the real one must answer alike, in stories: the
 * requests of a story are sent to a project of their own, in order.
 *
 * @module
 */

import { badCalls, callStories } from "./calls.ts";
import { valueStories } from "./values.ts";

/** One request. */
export interface Exchange {
  /** Identifies it in the list of differences; unique in its story. */
  readonly name: string;
  readonly path: string;
  readonly method?: "GET" | "POST";
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent unchanged. */
  readonly raw?: string;
  /** Sent as a multipart form; objects are sent as files. */
  readonly form?: Readonly<Record<string, string | { name: string; content: string }>>;
  /** Whether the tables are merged first. */
  readonly afterMerge?: boolean;
}

/** Makes the requests of a story for a project. */
export type Story = (project: string) => readonly Exchange[];

/** All stories. */
export const STORIES: Readonly<Record<string, Story>> = {
  routes: () => [
    { name: "unknown route", path: "/nothing", body: {} },
    { name: "unknown v2 route", path: "/v2/suite/x/calls/nothing", body: {} },
    { name: "another method", path: "/call/upsert_batch", method: "GET" },
    { name: "health", path: "/health", method: "GET" },
    { name: "server info", path: "/server_info", method: "GET" },
    { name: "no JSON", path: "/call/start", raw: "{" },
    { name: "no body", path: "/call/start", raw: "" },
    { name: "a list", path: "/call/start", body: [] },
    { name: "a missing project, v2", path: "/v2/missing/x/calls/complete", body: { batch: [] } },
    {
      name: "a missing project, read",
      path: "/calls/stream_query",
      body: { project_id: "missing/x" },
    },
    {
      name: "a missing project, object",
      path: "/obj/create",
      body: { obj: { project_id: "missing/x", object_id: "o", val: 1 } },
    },
    { name: "a project without entity", path: "/calls/stream_query", body: { project_id: "x" } },
    { name: "projects info", path: "/service/projects_info", body: { project_ids: ["suite/x"] } },
  ],
  ...callStories,
  ...badCalls,
  ...valueStories,
};
