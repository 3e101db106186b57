/**
 * All settings, with their environment variables and validation.
 *
 * @module
 */

import { checkApiKey } from "../credentials/api_key.ts";
import { DEFAULTS, type Defaults, MAX_BATCH_BYTES } from "./defaults.ts";
import { invalidOption, type Origin } from "./invalid_option.ts";
import { LOG_LEVELS, type LogLevel } from "../logger.ts";
import type { SampleFunction } from "../calls/sampling.ts";
import { checkHostNames, checkUrl } from "./urls.ts";

/** Rules for reading and validating a setting. */
export interface OptionSpec<T> {
  /** Its environment variable, if there is one. */
  readonly env?: string;
  /** Parses the variable's text; default: the text itself. */
  readonly fromEnv?: (text: string, origin: Origin) => unknown;
  /** Returns the validated value, or throws `ERR_INVALID_OPTION`. */
  readonly check: (value: unknown, origin: Origin) => T;
}

const boolean = (env?: string, negated = false): OptionSpec<boolean> => ({
  env,
  fromEnv: (text, origin) => {
    if (/^\s*(?:yes|true|1|on)\s*$/i.test(text)) return !negated;
    if (/^\s*(?:no|false|0|off)\s*$/i.test(text)) return negated;
    throw invalidOption(origin, text, "one of yes, true, 1, on, no, false, 0, off");
  },
  check: (value, origin) => {
    if (typeof value !== "boolean") throw invalidOption(origin, value, "true or false");
    return value;
  },
});

interface Range {
  min: number;
  max?: number;
  unit: string;
  integer?: boolean;
}

const number = (range: Range, env?: string, scale = 1): OptionSpec<number> => {
  const { min, max = Number.MAX_SAFE_INTEGER, unit, integer = true } = range;
  const kind = integer ? "a whole number" : "a number";
  const above = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    env,
    fromEnv: (text, origin) => {
      const value = Number(text);
      const scaled = value * scale;
      if (text.trim() === "" || !(scaled >= min && scaled <= max)) {
        throw invalidOption(
          origin,
          text,
          scale === 1 ? `${kind} ${above} (${unit})` : `a number of seconds above 0`,
        );
      }
      return scale === 1 ? value : Math.round(scaled);
    },
    check: (value, origin) => {
      const fits = typeof value === "number" && value >= min && value <= max &&
        (!integer || Number.isInteger(value));
      if (!fits) throw invalidOption(origin, value, `${kind} ${above} (${unit})`);
      return value;
    },
  };
};

const oneOf = <T extends string>(values: readonly T[]): OptionSpec<T> => ({
  check: (value, origin) => {
    const known = values.find((candidate) => candidate === value);
    if (known === undefined) throw invalidOption(origin, value, `one of ${values.join(", ")}`);
    return known;
  },
});

const logLevel: OptionSpec<LogLevel> = {
  env: "WEAVE_LOG_LEVEL",
  check: (value, origin) => {
    const name = typeof value === "string" ? value.toLowerCase() : value;
    return oneOf(LOG_LEVELS).check(name === "warn" ? "warning" : name, origin);
  },
};

const walDir: OptionSpec<string> = {
  env: "WEAVE_WAL_DIR",
  check: (value, origin) => {
    if (typeof value !== "string" || value === "" || value.includes("\0")) {
      throw invalidOption(origin, value, "the path of a directory");
    }
    return value;
  },
};

const url = (env: string): OptionSpec<string> => ({ env, check: checkUrl });

const apiKey: OptionSpec<string> = { env: "WANDB_API_KEY", check: checkApiKey };

const allowHttp: OptionSpec<readonly string[]> = {
  env: "WEAVE_WAL_ALLOW_HTTP",
  fromEnv: (text) => text.split(",").map((host) => host.trim()).filter((host) => host !== ""),
  check: checkHostNames,
};

const attributes: OptionSpec<Record<string, unknown>> = {
  check: (value, origin) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw invalidOption(origin, value, "an object of attributes");
    }
    return value as Record<string, unknown>;
  },
};

const redactKeys: OptionSpec<readonly string[]> = {
  env: "WEAVE_WAL_REDACT_KEYS",
  fromEnv: (text) => text.split(",").map((name) => name.trim()).filter((name) => name !== ""),
  check: (value, origin) => {
    // A shorter name would match nearly every property.
    const isName = (name: unknown) =>
      typeof name === "string" && name.replace(/[^\p{L}\p{N}]/gu, "").length > 1;
    if (!Array.isArray(value)) throw invalidOption(origin, value, "a list of property names");
    if (value.every(isName)) return value;
    const wrong = value.find((name) => !isName(name));
    throw invalidOption(origin, wrong, "a property name with at least two letters or digits");
  },
};

const redactPatterns: OptionSpec<readonly RegExp[]> = {
  check: (value, origin) => {
    if (!Array.isArray(value)) throw invalidOption(origin, value, "a list of regular expressions");
    return value.map((pattern) => {
      try {
        if (typeof pattern !== "string" && !(pattern instanceof RegExp)) throw new TypeError();
        const compiled = new RegExp(pattern);
        if (!compiled.test("")) return compiled;
      } catch {
        // The message contains it.
      }
      const shown = pattern instanceof RegExp ? `${pattern}` : pattern;
      throw invalidOption(origin, shown, "a regular expression that never matches an empty text");
    });
  },
};

const rate = number(
  { min: 0, max: 1, unit: "share of traces", integer: false },
  "WEAVE_WAL_SAMPLE_RATE",
);

const sampleRate: OptionSpec<number | SampleFunction> = {
  ...rate,
  check: (value, origin) =>
    typeof value === "function" ? value as SampleFunction : rate.check(value, origin),
};

const positive = (unit: string): Range => ({ min: 1, unit });
const ms = (min: number): Range => ({ min, max: 2 ** 31 - 1, unit: "ms", integer: false });

/** The settings that have a default. */
export const OPTION_TABLE: { readonly [K in keyof Defaults]: OptionSpec<Defaults[K]> } = {
  disabled: boolean("WEAVE_DISABLED"),
  logLevel,
  wal: boolean("WEAVE_ENABLE_WAL"),
  sender: boolean("WEAVE_DISABLE_WAL_SENDER", true),
  walDir,
  fsync: oneOf(["interval", "always", "never"]),
  fsyncIntervalMs: number(ms(1)),
  fsyncRecords: number(positive("records")),
  segmentBytes: number(positive("bytes")),
  maxDiskBytes: number(positive("bytes")),
  quotaPolicy: oneOf(["drop-new", "drop-oldest"]),
  maxMemoryBytes: number(positive("bytes")),
  maxMemoryRecords: number({ min: 0, unit: "records" }, "WEAVE_MAX_CALLS_QUEUE_SIZE"),
  batchBytes: number({ min: 1, max: MAX_BATCH_BYTES, unit: "bytes" }),
  batchRecords: number(positive("records")),
  lingerMs: number(ms(0)),
  timeoutMs: number(ms(1), "WEAVE_HTTP_TIMEOUT", 1000),
  retryMaxMs: number(ms(1), "WEAVE_RETRY_MAX_INTERVAL", 1000),
  useCallsComplete: boolean("WEAVE_USE_CALLS_COMPLETE"),
  exitDrainMs: number(ms(0)),
  drainOnSignal: boolean("WEAVE_WAL_DRAIN_ON_SIGNAL"),
  closeInterrupted: boolean("WEAVE_WAL_CLOSE_INTERRUPTED"),
  redactDefaults: boolean("WEAVE_WAL_REDACT_DEFAULTS"),
  sampleRate,
};

/** Settings whose defaults are determined from other sources. */
export const RESOLVED_OPTIONS: {
  readonly printCallLink: OptionSpec<boolean>;
  readonly apiKey: OptionSpec<string>;
  readonly serverUrl: OptionSpec<string>;
  readonly baseUrl: OptionSpec<string>;
  readonly allowHttp: OptionSpec<readonly string[]>;
  readonly globalAttributes: OptionSpec<Record<string, unknown>>;
  readonly redactKeys: OptionSpec<readonly string[]>;
  readonly redactPatterns: OptionSpec<readonly RegExp[]>;
} = {
  printCallLink: boolean("WEAVE_PRINT_CALL_LINK"),
  apiKey,
  serverUrl: url("WF_TRACE_SERVER_URL"),
  baseUrl: url("WANDB_BASE_URL"),
  allowHttp,
  globalAttributes: attributes,
  redactKeys,
  redactPatterns,
};

const callable: OptionSpec<unknown> = {
  check: (value, origin) => {
    if (typeof value !== "function") throw invalidOption(origin, value, "a function");
    return value;
  },
};

const host: OptionSpec<unknown> = {
  check: (value, origin) => {
    if (typeof value !== "object" || value === null) {
      throw invalidOption(origin, value, "a runtime");
    }
    return value;
  },
};

/** Options that can only be set in code, with their validation. */
export const CODE_OPTIONS: Readonly<Record<string, OptionSpec<unknown>>> = {
  runtime: host,
  fetch: callable,
  random: callable,
  onEvent: callable,
  redact: callable,
};

/** Options that a file cannot set, because secrets depend on them, with the alternative. */
export const EXPLICIT_OPTIONS: Readonly<Record<string, string>> = {
  apiKey: "set WANDB_API_KEY or log in, which keeps the key in ~/.netrc",
  allowHttp: "set WEAVE_WAL_ALLOW_HTTP, or the option in code",
  redactDefaults: "set WEAVE_WAL_REDACT_DEFAULTS, or the option in code",
};

/** Names of all options. */
export const OPTION_NAMES: readonly string[] = [
  ...Object.keys(DEFAULTS),
  ...Object.keys(RESOLVED_OPTIONS),
  ...Object.keys(CODE_OPTIONS),
];
