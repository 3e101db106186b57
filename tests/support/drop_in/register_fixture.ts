/**
 * Runs programs of the official SDK in processes of their own, with and without the
 * register step.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { bundled, bundleInto } from "../bundle.ts";
import { type ChildRuntime, ownRuntime, root } from "../processes/child_fixture.ts";

/** Versions of the SDK and their locations. */
export const SDK_VERSIONS: Readonly<Record<string, string>> = {
  "0.9.3": "weave-0-9-3",
  "0.11.0": "weave-0-11-0",
  "0.11.1": "weave",
};

/** Options of a program. */
export interface ProgramOptions {
  /** Variables added to a minimal environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the register step is loaded first (default: `true`). */
  readonly preload?: boolean;
  /** Files of `programs/` to load before that. */
  readonly before?: readonly string[];
  readonly args?: readonly string[];
  /** Its runtime; that of this process by default. */
  readonly runtime?: ChildRuntime;
}

/** A finished program. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** A running program. */
export interface Running {
  /** Lines of its standard output so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed this many lines, or exits. */
  printed(count: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

/** A project of an SDK user: programs, packages and the log. */
export class SdkProject {
  readonly directory: string;
  readonly walDir: string;

  /**
   * @param version The SDK that `import "weave"` resolves to. @param settings Content of
   * its `weave.jsonc`.
   */
  constructor(version = "0.11.1", settings: Readonly<Record<string, unknown>> = {}) {
    this.directory = mkdtempSync(join(tmpdir(), "weave-wal-register-"));
    this.walDir = join(this.directory, ".weave/wal");
    const packages = join(this.directory, "node_modules");
    mkdirSync(packages);
    symlinkSync(join(root, "node_modules", SDK_VERSIONS[version]), join(packages, "weave"));
    symlinkSync(join(root, "node_modules/openai"), join(packages, "openai"));
    this.settings(settings);
    const dependencies = { weave: "*", openai: "*" };
    writeFileSync(join(this.directory, "package.json"), JSON.stringify({ dependencies }));
  }

  /** Writes its `weave.jsonc`. */
  settings(settings: Readonly<Record<string, unknown>>): void {
    writeFileSync(join(this.directory, "weave.jsonc"), JSON.stringify(settings));
  }

  /** Starts a program of `programs/`, or of the project. */
  start(program: string, options: ProgramOptions = {}): Running {
    const { before = [], preload = true, args = [], env = {} } = options;
    for (const file of [program, ...before]) {
      const path = join(root, "tests/support/drop_in/programs", file);
      if (existsSync(path)) copyFileSync(path, join(this.directory, file));
    }
    const preloads = before.map((file) => join(this.directory, file));
    if (preload) preloads.push(bundled("src/drop_in/register.ts"));
    const [command, ...own] = commandOf(preloads, options.runtime ?? ownRuntime);
    const child = spawn(command, [...own, join(this.directory, program), ...args], {
      cwd: this.directory,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...bareEnvironment(this.directory), WANDB_API_KEY: "k".repeat(40), ...env },
    });
    return watch(child);
  }

  /** Runs a program to its end. */
  async run(program: string, options: ProgramOptions = {}): Promise<Ended> {
    return await this.start(program, options).ended;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The command that runs a program with `preloads`. */
function commandOf(preloads: readonly string[], runtime: ChildRuntime): string[] {
  const file = runtime === ownRuntime ? process.execPath : join(root, "node_modules/.bin", runtime);
  const flag: Record<ChildRuntime, string> = {
    node: "--import",
    bun: "--preload",
    deno: "--preload",
  };
  const flags = preloads.flatMap((path) => [flag[runtime], path]);
  return runtime === "deno" ? [file, "run", "-A", "--no-check", ...flags] : [file, ...flags];
}

/**
 * An environment without variables of the library, the SDK or a test runner, and a home
 * without a key.
 */
function bareEnvironment(home: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) =>
    !/^(WANDB_|WEAVE_|WF_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/.test(name)
  );
  return {
    // Deno keeps its cache there, and would download everything again.
    DENO_DIR: process.env.DENO_DIR ?? join(process.env.HOME ?? home, ".cache/deno"),
    ...Object.fromEntries(own),
    PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
    HOME: home,
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
  };
}

function watch(child: ChildProcess): Running {
  const lines: string[] = [];
  const looks = new Set<() => void>();
  let rest = "";
  let errors = "";
  let over = false;
  const changed = (): void => looks.forEach((look) => look());
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
    changed();
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => errors += text);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      over = true;
      changed();
      resolve({ code, signal, lines, errors });
    });
  });
  return {
    lines,
    ended,
    printed: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (lines.length < count && !over) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      }),
    kill: (signal) => void child.kill(signal),
  };
}

/** Messages of a program, except the one that reports the start of its log. */
export function withoutStart(errors: string): string {
  return errors.replace(/^weave-wal: \S+: log on; .*\n/gm, "");
}

/** Bundles a program of this folder together with the SDK, as a user's build might. */
export function bundleProgram(program: string, into: string): void {
  bundleInto(into, join("tests/support/drop_in/programs", program), "cjs");
}

/** A fake OpenAI server that records the requested paths. */
export class FakeOpenAi {
  readonly #server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => body += text);
    request.on("end", () => {
      this.requests.push(request.url ?? "");
      const { stream } = JSON.parse(body) as { stream?: boolean };
      const choice = { index: 0, finish_reason: "stop" };
      if (!stream) {
        response.setHeader("content-type", "application/json");
        const message = { role: "assistant", content: "Hello" };
        return response.end(JSON.stringify({
          ...COMPLETION,
          choices: [{ ...choice, message }],
          usage: { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 },
        }));
      }
      response.setHeader("content-type", "text/event-stream");
      for (const content of ["Hel", "lo"]) {
        const chunk = { ...COMPLETION, choices: [{ ...choice, delta: { content } }] };
        response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      }
      response.end("data: [DONE]\n\n");
    });
  });
  /** Requested paths. */
  readonly requests: string[] = [];

  /** Starts a server. */
  static async start(): Promise<FakeOpenAi> {
    const fake = new FakeOpenAi();
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  /** Base URL for an OpenAI client. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const COMPLETION = { id: "c-1", object: "chat.completion", created: 1, model: "fake" };
