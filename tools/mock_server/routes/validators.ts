/**
 * Small hand-written rules for JSON values: a load test sends thousands of calls per
 * request. A rule adds problems to a list, in FastAPI's format.
 *
 * @module
 */

/** A problem of a request, as in the `detail` of a 422 response. */
export interface Problem {
  /** The kind of problem, e.g. `missing` or `extra_forbidden`. */
  readonly type: string;
  /** Path: `"body"`, then keys and indexes. */
  readonly loc: readonly (string | number)[];
  /** Message. */
  readonly msg: string;
  /** The invalid value; for a missing field, the object that lacks it. */
  readonly input: unknown;
}

/** Path of the current value, and the problems found so far. */
export interface Findings {
  /** The path of the current value; rules push and pop. */
  readonly path: (string | number)[];
  /** Problems. */
  readonly problems: Problem[];
}

/** Checks one value. */
export type Rule = (value: unknown, findings: Findings) => void;

/** Fields of an object by name. */
export type Fields = Readonly<Record<string, Rule>>;

function report(findings: Findings, type: string, msg: string, input: unknown): void {
  findings.problems.push({ type, loc: [...findings.path], msg, input });
}

function leaf(type: string, msg: string, accepts: (value: unknown) => boolean): Rule {
  return (value, findings) => {
    if (!accepts(value)) report(findings, type, msg, value);
  };
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/;
const PROJECT_ID = /^[^/\s]+\/[^/]+$/;

/** Any JSON value, including `null`. */
export const anything: Rule = () => {};

/** A string. */
export const text: Rule = leaf(
  "string_type",
  "Input should be a valid string",
  (value) => typeof value === "string",
);

/** `"entity/project"`. */
export const projectId: Rule = leaf(
  "value_error",
  'Input should be a project id of the form "entity/project"',
  (value) => typeof value === "string" && PROJECT_ID.test(value),
);

/** An ISO 8601 date and time, as a string. */
export const time: Rule = leaf(
  "datetime_from_date_parsing",
  "Input should be a valid ISO 8601 datetime",
  (value) =>
    typeof value === "string" && ISO_TIME.test(value) &&
    !Number.isNaN(Date.parse(value.replace(" ", "T"))),
);

/** An integer, also as text. */
export const integer: Rule = (value, findings) => {
  if (Number.isInteger(value)) return;
  if (typeof value === "string") {
    if (/^\s*[+-]?\d+\s*$/.test(value)) return;
    return report(findings, "int_parsing", "Input should be a valid integer", value);
  }
  const type = typeof value === "number" ? "int_from_float" : "int_type";
  report(findings, type, "Input should be a valid integer", value);
};

/** A number. */
export const number: Rule = leaf(
  "float_type",
  "Input should be a valid number",
  (value) => typeof value === "number",
);

/** `true` or `false`. */
export const bool: Rule = leaf(
  "bool_type",
  "Input should be a valid boolean",
  (value) => typeof value === "boolean",
);

/** One of these strings. */
export function oneOf(...values: string[]): Rule {
  return leaf(
    "literal_error",
    `Input should be one of: ${values}`,
    (value) => typeof value === "string" && values.includes(value),
  );
}

/** One of these strings, with the error message of an enum. */
export function member(...values: string[]): Rule {
  return leaf(
    "enum",
    `Input should be one of: ${values}`,
    (value) => typeof value === "string" && values.includes(value),
  );
}

/** A JSON object with any keys. */
export const record: Rule = leaf("dict_type", "Input should be a valid dictionary", isRecord);

/**
 * A field that only the server sets. The Python SDK writes it as `null`; other values are
 * rejected.
 */
export const serverOwned: Rule = leaf(
  "extra_forbidden",
  "Only the server sets this field",
  (value) => value === null,
);

/** `null`, or a value that satisfies the rule. */
export function nullable(rule: Rule): Rule {
  return (value, findings) => {
    if (value !== null) rule(value, findings);
  };
}

/** A list whose items all satisfy the rule. */
export function list(item: Rule): Rule {
  return (value, findings) => {
    if (!Array.isArray(value)) {
      return report(findings, "list_type", "Input should be a valid list", value);
    }
    for (let index = 0; index < value.length; index++) {
      findings.path.push(index);
      item(value[index], findings);
      findings.path.pop();
    }
  };
}

/** An object with any keys whose values all satisfy the rule. */
export function dictionary(item: Rule): Rule {
  return (value, findings) => {
    if (!isRecord(value)) return record(value, findings);
    for (const key in value) {
      findings.path.push(key);
      item(value[key], findings);
      findings.path.pop();
    }
  };
}

/** An object with any keys, each of which satisfies one rule, and its value another. */
export function dictionaryOf(key: Rule, item: Rule): Rule {
  const values = dictionary(item);
  return (value, findings) => {
    values(value, findings);
    if (!isRecord(value)) return;
    for (const name in value) {
      findings.path.push(name, "[key]");
      key(name, findings);
      findings.path.length -= 2;
    }
  };
}

/**
 * An object with these and any other fields.
 *
 * @param optional Fields that may be `null`. @param given Fields that may be omitted, but
 * not be `null`.
 */
export function extendable(optional: Fields, given: Fields = {}): Rule {
  const rules = Object.entries(given);
  for (const [name, rule] of Object.entries(optional)) rules.push([name, nullable(rule)]);
  return (value, findings) => {
    if (!isRecord(value)) return record(value, findings);
    for (const [name, rule] of rules) {
      if (!Object.hasOwn(value, name)) continue;
      findings.path.push(name);
      rule(value[name], findings);
      findings.path.pop();
    }
  };
}

/** An object with exactly these fields; optional ones may also be `null`. */
export function shape(required: Fields, optional: Fields = {}): Rule {
  const rules = new Map(Object.entries(required));
  const needed = rules.size;
  for (const [name, rule] of Object.entries(optional)) rules.set(name, nullable(rule));
  return (value, findings) => {
    if (!isRecord(value)) {
      return report(
        findings,
        "model_attributes_type",
        "Input should be a valid dictionary",
        value,
      );
    }
    const { path } = findings;
    let found = 0;
    for (const name in value) {
      path.push(name);
      const rule = rules.get(name);
      if (rule) {
        rule(value[name], findings);
        if (Object.hasOwn(required, name)) found++;
      } else {
        report(findings, "extra_forbidden", "Extra inputs are not permitted", value[name]);
      }
      path.pop();
    }
    if (found === needed) return;
    for (const name in required) {
      if (Object.hasOwn(value, name)) continue;
      path.push(name);
      report(findings, "missing", "Field required", value);
      path.pop();
    }
  };
}

/** An object whose field `key` selects the rule. */
export function taggedBy(key: string, cases: Readonly<Record<string, Rule>>): Rule {
  return (value, findings) => {
    const tag = isRecord(value) ? value[key] : undefined;
    if (typeof tag === "string" && Object.hasOwn(cases, tag)) return cases[tag](value, findings);
    findings.path.push(key);
    report(findings, "union_tag_invalid", `Input should be one of: ${Object.keys(cases)}`, value);
    findings.path.pop();
  };
}

/** An object with exactly one of these fields. */
export function oneFieldOf(cases: Fields): Rule {
  const shapes = new Map(
    Object.entries(cases).map(([name, rule]) => [name, shape({ [name]: rule })]),
  );
  return (value, findings) => {
    for (const [name, rule] of shapes) {
      if (isRecord(value) && name in value) return rule(value, findings);
    }
    const [name] = shapes.keys();
    findings.path.push(name);
    report(findings, "missing", `Input should have one field of: ${Object.keys(cases)}`, value);
    findings.path.pop();
  };
}

/** Problems of a request body; empty if it is valid. */
export function check(rule: Rule, body: unknown): Problem[] {
  const findings: Findings = { path: ["body"], problems: [] };
  rule(body, findings);
  return findings.problems;
}
