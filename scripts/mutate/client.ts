/**
 * Mutations of `src/client`.
 *
 * @module
 */

import type { Mutation } from "./mutation.ts";

const SETTINGS = "client/settings/settings_test.ts";
const CALLS = "client/calls/call_test.ts";
const PARENTS = "client/calls/call_parents_test.ts";
const INPUTS = "client/calls/call_inputs_test.ts";
const PUBLISH = "client/objects/publish_test.ts";
const DROPPED = "wal/open_calls/dropped_ends_test.ts";

/** The mutations of `src/client`. */
export const CLIENT_MUTATIONS: readonly Mutation[] = [
  {
    file: "src/client/settings/find_option.ts",
    mistake: "an option in code overrides the environment",
    find: "if (value !== undefined) return { value, origin: spec.env!, fromFile: false };",
    replace: "if (value !== undefined && options[name] === undefined) " +
      "return { value, origin: spec.env!, fromFile: false };",
    tests: [SETTINGS],
  },
  {
    file: "src/client/settings/find_option.ts",
    mistake: "a value of weave.jsonc counts as the user's own",
    find: "origin, fromFile: true };",
    replace: "origin, fromFile: false };",
    tests: [
      "client/credentials/key_lookup_test.ts",
      "client/credentials/stranger_test.ts",
      SETTINGS,
    ],
  },
  {
    file: "src/client/settings/settings.ts",
    mistake: "a limit of 0 records keeps nothing instead of everything",
    find: "if (settings.maxMemoryRecords === 0)",
    replace: "if (settings.maxMemoryRecords < 0)",
    tests: [SETTINGS],
  },
  {
    file: "src/client/settings/settings.ts",
    mistake: "a process that sends starts without a key",
    find: "if (sends && forServer.problem) throw forServer.problem;",
    replace: "",
    tests: [SETTINGS],
  },
  {
    file: "src/client/settings/settings.ts",
    mistake: "an unknown option is ignored",
    find: 'if (!OPTION_NAMES.includes(name)) throw unknownOption("options of init", name);',
    replace: "",
    tests: [SETTINGS],
  },
  {
    file: "src/client/credentials/key_lookup.ts",
    mistake: "every server gets the key",
    find: "if (trusted.has(origin)) {",
    replace: "if (trusted.has(origin) || found) {",
    tests: ["client/credentials/key_lookup_test.ts", "client/credentials/stranger_test.ts"],
  },
  {
    file: "src/client/credentials/key_lookup.ts",
    mistake: "a key is sent unencrypted",
    find: "if (refused) return { problem: refused };",
    replace: "",
    tests: [
      "client/credentials/key_lookup_test.ts",
      "client/credentials/stranger_test.ts",
      SETTINGS,
    ],
  },
  {
    file: "src/client/credentials/servers.ts",
    mistake: "the trace server of weave.jsonc is trusted",
    find: "const ownServer = server && !server.fromFile ? server.value : traceServerOf(ownBase);",
    replace: "const ownServer = server ? server.value : traceServerOf(ownBase);",
    tests: ["client/credentials/key_lookup_test.ts", "client/credentials/stranger_test.ts"],
  },
  {
    file: "src/client/settings/urls.ts",
    mistake: "any host that begins with 127 is this machine",
    find: "/^127(?:\\.\\d+){3}$/",
    replace: "/^127/",
    tests: ["client/settings/urls_test.ts", SETTINGS],
  },
  {
    file: "src/client/settings/urls.ts",
    mistake: "a password in a URL is accepted",
    find: 'if (parsed.username !== "" || parsed.password !== "") {',
    replace: 'if (parsed.username !== "") {',
    tests: [SETTINGS],
  },
  {
    file: "src/client/credentials/netrc.ts",
    mistake: "quotes of a netrc password are kept",
    find: "const quoted = text[start] === '\"';",
    replace: "const quoted = false;",
    tests: ["client/credentials/netrc_test.ts"],
  },
  {
    file: "src/client/credentials/netrc.ts",
    mistake: "the first of two entries for a machine counts",
    find: ".filter((entry) => entry.machine === machine && entry.password).at(-1)",
    replace: ".filter((entry) => entry.machine === machine && entry.password).at(0)",
    tests: ["client/credentials/netrc_test.ts", SETTINGS],
  },
  {
    file: "src/client/client_pool.ts",
    mistake: "clients with different keys are one",
    find: "apiKey === undefined ? null : fileDigest(`weave-wal:${apiKey}`).slice(0, 12),",
    replace: "null,",
    tests: ["client/init_again_test.ts"],
  },
  {
    file: "src/client/client_pool.ts",
    mistake: "a finished client is used again",
    find: "if (!pooled || !isOpen(pooled.client)) return null;",
    replace: "if (!pooled) return null;",
    tests: ["client/init_again_test.ts", "client/init_test.ts"],
  },
  {
    file: "src/client/init.ts",
    mistake: "flush covers the last client only",
    find: "return [...new Set([requireGlobalClient() as WeaveClient, ...pooledClients()])];",
    replace: "return [requireGlobalClient() as WeaveClient];",
    tests: ["client/init_again_test.ts", "client/copies_test.ts"],
  },
  {
    file: "src/client/calls/call_recorder.ts",
    mistake: "a child gets a trace of its own",
    find: "const traceId = parent === null ? ids.uuidv7(now) : parent.traceId;",
    replace: "const traceId = ids.uuidv7(now);",
    tests: [CALLS, PARENTS, INPUTS],
  },
  {
    file: "src/client/calls/call_recorder.ts",
    mistake: "a call becomes the child of a call in another project",
    find: "let parent = context?.owner === this ? context.call : null;",
    replace: "const parent = context?.call ?? null;",
    tests: ["client/init_again_test.ts", CALLS, PARENTS, INPUTS, "client/copies_test.ts"],
  },
  {
    file: "src/client/calls/call_recorder.ts",
    mistake: "an end may precede its start",
    find: "(endedAt < call.startedAt ? call.startedAt : endedAt)",
    replace: "endedAt",
    tests: [CALLS, PARENTS, INPUTS],
  },
  {
    file: "src/client/calls/call_recorder.ts",
    mistake: "a failed call counts as a success",
    find: 'countStatus(call, exception === "" ? "success" : "error")',
    replace: 'countStatus(call, "success")',
    tests: [
      "client/calls/summary_test.ts",
      CALLS,
      PARENTS,
      INPUTS,
      "client/calls/status_counts_test.ts",
    ],
  },
  {
    file: "src/client/calls/call_recorder.ts",
    mistake: "attributes of an op do not override those of its scope",
    find: "return this.#attributesToText(assignData(attributes, own));",
    replace: "return this.#attributesToText(assignData({ ...own }, attributes));",
    tests: [CALLS, PARENTS, INPUTS],
  },
  {
    file: "src/client/calls/call_recorder.ts",
    mistake: "an error while a start is recorded reaches the program",
    find:
      '      this.warnOnce("call-not-traced", `Cannot trace a call of ${state.name}`, error);\n' +
      "      return null;",
    replace: "      throw error;",
    tests: [CALLS, PARENTS, INPUTS, "client/results/result_test.ts"],
  },
  {
    file: "src/client/calls/call_recorder.ts",
    mistake: "an error of summarize reaches the program",
    find: '      this.warnOnce("summarize-failed", "Cannot summarize a call", error);\n' +
      "      return undefined;",
    replace: "      throw error;",
    tests: ["client/calls/summary_test.ts", CALLS, PARENTS, INPUTS],
  },
  {
    file: "src/client/op/name_inputs.ts",
    mistake: "an array is recorded as the input self",
    find: "(isProxy(self) || !Array.isArray(self))",
    replace: "true",
    tests: [CALLS, PARENTS, INPUTS],
  },
  {
    file: "src/client/objects/publisher.ts",
    mistake: "a ref of another project is reused",
    find: "return ref?.projectId === this.#options.projectId ? ref : undefined;",
    replace: "return ref;",
    tests: [PUBLISH, "client/init_again_test.ts"],
  },
  {
    file: "src/client/objects/publisher.ts",
    mistake: "an object inside itself recurses without end",
    find: 'return this.#saving.has(object) ? "[Circular]" : this.#saveObject(object).uri();',
    replace: "return this.#saveObject(object).uri();",
    tests: [PUBLISH],
  },
  {
    file: "src/client/objects/publisher.ts",
    mistake: "a provisional digest is not sent as the expected one",
    find: 'this.#appendObject(objectId, valueText, `,"expected_digest":"${digest}"`);',
    replace: 'this.#appendObject(objectId, valueText, "");',
    tests: ["client/pipeline/offline_test.ts", PUBLISH],
  },
  {
    file: "src/client/objects/publisher.ts",
    mistake: "the same op is published at every call",
    find: "    const known = saved.get(id);\n    if (known) return known;",
    replace: "    const known = saved.get(id);",
    tests: [PUBLISH, CALLS, PARENTS, INPUTS],
  },
  {
    file: "src/client/weave_client/read_barrier.ts",
    mistake: "reads do not wait for writes",
    find: "const wait = await this.#pipeline.delivered(READ_WAIT_MS);",
    replace: "const wait = await this.#pipeline.delivered(0);",
    tests: ["client/weave_client/read_after_write_test.ts", "client/weave_client/reads_test.ts"],
  },
  {
    file: "src/client/server/api_client.ts",
    mistake: "reads follow redirects with the key",
    find: 'redirect: "manual",',
    replace: 'redirect: "follow",',
    tests: ["client/weave_client/reads_test.ts"],
  },
  {
    file: "src/client/server/api_client.ts",
    mistake: "a read has no time limit",
    find: "return this.#options.clock.after(ms, () => controller.abort());",
    replace: "return this.#options.clock.after(ms, () => {});",
    tests: ["client/weave_client/reads_test.ts"],
  },
  {
    file: "src/client/server/api_client.ts",
    mistake: "the last line of a stream of lines is lost",
    find: 'if (rest.trim() !== "") yield JSON.parse(rest);',
    replace: "",
    tests: ["client/weave_client/reads_test.ts"],
  },
  {
    file: "src/client/server/project_id_resolver.ts",
    mistake: "a project's ID is queried again and again while the server is down",
    find: "const tooSoon = failedAt !== undefined && " +
      "this.#clock.monotonic() - failedAt < ASK_AGAIN_MS;",
    replace: "const tooSoon = false;",
    tests: ["client/server/project_id_resolver_test.ts"],
  },
  {
    file: "src/client/pipeline/log/segment_evictor.ts",
    mistake: "calls that ended in a segment dropped without a sender pass for interrupted ones",
    find: "await segment.beforeComplete();",
    replace: "",
    tests: [DROPPED],
  },
  {
    file: "src/client/pipeline/log/log_writer.ts",
    mistake: "calls whose ends were dropped as new pass for interrupted ones",
    find: "disk?.forgetOpenCalls()",
    replace: "disk?.kind",
    tests: [DROPPED],
  },
  {
    file: "src/client/server/metadata_cache.ts",
    mistake: "facts that another process stored are overwritten",
    find: "const facts = { ...this.#facts, ...this.#read() };",
    replace: "const facts = { ...this.#facts };",
    tests: ["client/server/metadata_cache_test.ts"],
  },
  {
    file: "src/client/server/metadata_cache.ts",
    mistake: "a corrupt cache file ends init with an error",
    find: "    } catch {\n      return {};\n    }",
    replace: "    } catch (error) {\n      throw error;\n    }",
    tests: ["client/server/metadata_cache_test.ts"],
  },
];
