import assert from "node:assert/strict";
import fc from "fast-check";
import { toJsonText } from "../../src/protocol/json/stringify.ts";
import { RedactionRules } from "../../src/protocol/redaction/redaction_rules.ts";
import { test } from "../harness.ts";

const OWN_KEY = "0123456789abcdef0123456789abcdef01234567";
const rules = new RedactionRules({
  defaults: true,
  keys: [],
  patterns: [],
  literals: [OWN_KEY],
});
const R = "[REDACTED]";

/** Generated, so that no file of the project contains something that looks like a secret. */
const TOKENS: Record<string, string> = {
  openai: "sk-" + "proj-abcDEF123456_ghiJKL7890",
  anthropic: "sk-" + "ant-api03-abcdefghijklmnop",
  aws: "AKIA" + "IOSFODNN7EXAMPLE",
  google: "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
  github: "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
  slack: "xoxb-" + "1234567890-abcdefghij",
  jwt: "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
  own: OWN_KEY,
};

test("redaction: tokens of known forms are taken out of text, and nothing around them", () => {
  for (const [name, token] of Object.entries(TOKENS)) {
    for (const [before, after] of [["", ""], ["key is ", "."], ["(", ")"], ["a=", "&b=2"]]) {
      assert.equal(rules.redactText(before + token + after).includes(token), false, name);
      assert.ok(rules.redactText(before + token + after).startsWith(before), name);
    }
    assert.equal(rules.redactText(`use ${token} now`), `use ${R} now`);
  }
  const pem =
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabcd\n-----END RSA PRIVATE KEY-----";
  assert.equal(rules.redactText(`a\n${pem}\nb`), `a\n${R}\nb`);
  assert.equal(rules.redactText(`${pem}: ${pem}`), `${R}: ${R}`);
});

test("redaction: values after a secret's name in headers, URLs and assignments are removed", () => {
  const cases: [string, string][] = [
    ["Authorization: Bearer abc123", `Authorization: ${R}`],
    ["fetch with Bearer abc.def-123 failed", `fetch with Bearer ${R} failed`],
    ["fetch with BEARER abc123 failed", `fetch with BEARER ${R} failed`],
    ["header Basic dXNlcjpwYXNzd29yZA==", `header Basic ${R}`],
    ["Cookie: sid=1; theme=dark\r\nHost: x", `Cookie: ${R}\r\nHost: x`],
    ["set-cookie: sid=1; HttpOnly", `set-cookie: ${R}`],
    ["https://x/y?api_key=abc&n=1", `https://x/y?api_key=${R}&n=1`],
    ["https://user:hunter2@host/path", `https://user:${R}@host/path`],
    ["postgres://app:p%40ss@db:5432/x", `postgres://app:${R}@db:5432/x`],
    ['body {"password":"hunter2","n":1}!', `body {"password":"${R}","n":1}!`],
    ['{"headers":[["cookie","a"],["b","c"]]}', `{"headers":[["cookie","${R}"],["b","c"]]}`],
    ["{ password: { value: ['a]b', 'c'] }, n: 1 }", `{ password: ${R}, n: 1 }`],
    ['{\\"apiKey\\":\\"abc\\",\\"n\\":1}', `{\\"apiKey\\":\\"${R}\\",\\"n\\":1}`],
    ["OPENAI_API_KEY=abc PORT=1", `OPENAI_API_KEY=${R} PORT=1`],
    ["client_secret = 'abc'", `client_secret = '${R}'`],
  ];
  for (const [given, wanted] of cases) {
    assert.equal(rules.redactText(given), wanted);
    assert.equal(rules.redactText(wanted), wanted, "again");
  }
});

test("redaction: secrets in source code and in configuration are removed, wherever the value is", () => {
  const cases: string[] = [
    `const apiKey = \`hunter2 and more\`;`,
    `const apiKey = process.env.KEY ?? "hunter2";`,
    `const apiKey = process.env.KEY ||\n  "hunter2";`,
    `const password = isTest ? "a" : 'hunter2';`,
    `const password = "a" + "hunter2";`,
    `let secret = new Secret("hunter2", { n: 1 })`,
    `apiKey ??= "hunter2";`,
    `if (password === "hunter2") return;`,
    `if (password != "hunter2") return;`,
    `headers["Authorization"] = "hunter2"`,
    `{ password: process.env.P || "hunter2" }`,
    `def login(user, password: str = "hunter2", n=1):`,
    `password = b"hunter2"`,
    `password = rb'hunter2'`,
    `password = """hunter2 "quoted" hunter2"""`,
    `password = os.environ.get("PASSWORD", "hunter2")`,
    `password: str = os.getenv("P") or "hunter2"`,
    `password = SecretStr("hunter2")`,
    `password := "hunter2"`,
    `:password => "hunter2"`,
    `    [password] => hunter2`,
    `char password[] = "hunter2";`,
    `string password = $"hunter2";`,
    `**Password:** hunter2`,
    `**Password**: hunter2`,
    `My API key: hunter2`,
    `The access token = hunter2`,
    `["API key", "hunter2"]`,
    `"password": "a\\"hunter2"`,
    `"path":"C:\\\\","password":"hunter2"`,
    `Cookie: a="1"; sid=hunter2`,
    `Cookie:a=1; sid=hunter2`,
    `cookie=a=1; sid=hunter2`,
    `Authorization: Digest username="bob", response="hunter2"`,
    `Authorization:Token hunter2`,
    `Authorization=Basic hunter2`,
    `<input name="password" value="hunter2">`,
    `[{"name":"Cookie","value":"hunter2"}, {"unfinished`,
    `[{"Value":"hunter2","Name":"Cookie"}, {"unfinished`,
    `redis://user:p@hunter2@host:6379`,
  ];
  for (const given of cases) {
    const redacted = rules.redactText(given);
    assert.ok(!redacted.includes("hunter2") && redacted.includes(R), `${given} → ${redacted}`);
    assert.equal(rules.redactText(redacted), redacted, "again");
  }
});

test("redaction: source code without secrets stays as it is", () => {
  const texts = [
    "passwords.map(password => { return hash(password); })",
    "if (password === confirmation) return { ok: true };",
    'const value = "v"; const name = "n";',
    '<input name="city" value="Paris">',
    '{"name":"color","value":"red"}',
    "if (cookies >= 5 && max_tokens <= limit) {}",
    '{"has_password":true,"password":null,"max_cookies":5}',
    "The key: a good night. The string = a rope.",
    "function login(user, password) { return user; }",
  ];
  for (const text of texts) assert.equal(rules.redactText(text), text);
});

test("redaction: secrets after escape sequences are removed", () => {
  const escapes = ["\\n", "\\t", "\\u003d", "\\x3d", "%3D", "%0a", "\\"];
  for (const escape of escapes) {
    for (const [name, token] of Object.entries(TOKENS)) {
      const redacted = rules.redactText(`text${escape}${token} more`);
      assert.ok(!redacted.includes(token.slice(3)), `${name}: ${redacted}`);
    }
  }
  assert.equal(rules.redactText("a\\nBearer abcdef-1"), `a\\nBearer ${R}`);
  assert.equal(rules.redactText("sent: BEARER abcdef-1"), `sent: BEARER ${R}`);
});

test("redaction: an own key of any form is removed", () => {
  const own = (literal: string) =>
    new RedactionRules({ defaults: true, keys: [], patterns: [], literals: [literal] });
  for (const literal of ["short-key1", "with$signs&more-of-them", "a:b:c:d:e"]) {
    for (const text of [literal, `x ${literal}`, `x${literal}y`]) {
      assert.ok(!own(literal).redactText(text).includes(literal), text);
    }
  }
});

test("redaction: patterns apply to numbers too", () => {
  const own = new RedactionRules({
    defaults: true,
    keys: [],
    patterns: [/4\d{15}/],
    literals: [],
  });
  const given = { card: 4111111111111111, n: 5, list: [4111111111111111] };
  const clean = { card: R, n: 5, list: [R] };
  assert.deepEqual(JSON.parse(toJsonText(given, undefined, undefined, own)), clean);
  assert.deepEqual(own.redactData(given), clean);
  assert.equal(toJsonText(4111111111111111, undefined, undefined, own), `"${R}"`);
});

test("redaction: the time for a text grows with its length", () => {
  // Each of these would take minutes if a part were searched again for every other one.
  const parts = [
    "secret=f(",
    '"value":{',
    '{"a":',
    'Cookie: a="',
    'secret=b"\n',
    "password=\\\\\\",
    "api key ",
    '"name":"',
  ];
  for (const part of parts) rules.redactText(part.repeat(200_000));
}, { timeout: 60_000 });

test("redaction: other text stays as it is", () => {
  const texts = [
    "The bearer of this note knows nothing of basic internationalization: see below.",
    "weave:///team/project/object/answer:PqZ1aXbYcdEfGhIjKlMnOpQrStUvWxYz0123456789a",
    "0190e5a2-7c1b-7def-8123-456789abcdef",
    "https://example.com/a-very-long-path/with-many-words/and.dots?query=1#hash",
    "max_tokens: 100, tokenizer: cl100k_base",
    `data:image/png;base64,${"iVBORw0KGgoAAAANSUhEUgAA".repeat(100)}`,
    "sk-short",
    "a".repeat(5000),
    "",
  ];
  for (const text of texts) assert.equal(rules.redactText(text), text);
});

test("redaction: a value is removed by the name of its property, in any spelling", () => {
  const text = (value: unknown) => JSON.parse(toJsonText(value, undefined, undefined, rules));
  for (
    const key of [
      "api_key",
      "apiKey",
      "X-API-Key",
      "OPENAI_API_KEYS",
      "password",
      "dbPassword",
      "authorization",
      "Proxy-Authorization",
      "Set-Cookie",
      "cookies",
      "refreshToken",
      "client_secret",
    ]
  ) {
    assert.deepEqual(text({ [key]: "x", n: 1 }), { [key]: R, n: 1 }, key);
    assert.deepEqual(text({ [key]: { deep: ["x"] } }), { [key]: R }, key);
    assert.deepEqual(text(new Map([[key, "x"]])), { [key]: R }, key);
    assert.deepEqual(text([[key, "x"], ["b", "y"]]), [[key, R], ["b", "y"]], key);
    assert.deepEqual(text([{ name: key, value: "x" }]), [{ name: key, value: R }], key);
  }
  const kept = {
    password: null,
    has_cookie: true,
    secret: "",
    max_tokens: 5,
    token: "t",
    tokens: ["a"],
    key: "k",
    value: "v",
  };
  assert.deepEqual(text(kept), kept);
  assert.deepEqual(text({ pin_password: 1234 }), { pin_password: R });
});

test("redaction: names, patterns and the defaults are configurable", () => {
  const own = new RedactionRules({
    defaults: false,
    keys: ["tax-id", "token"],
    patterns: [/\b\d{3}-\d{2}-\d{4}\b/, /zz+/g],
    literals: [OWN_KEY],
  });
  const given = {
    customerTaxIds: ["1"],
    ssn: "it is 123-45-6789, zzz",
    password: "p",
    key: TOKENS.openai,
    prompt_tokens: 5,
    access_token: "t",
  };
  assert.deepEqual(JSON.parse(toJsonText(given, undefined, undefined, own)), {
    ...given,
    customerTaxIds: R,
    ssn: `it is ${R}, ${R}`,
    access_token: R,
  });
  assert.equal(own.redactText("tax_id: 12"), `tax_id: ${R}`);
});

test("redaction: tokens are found anywhere in text", () => {
  const around = fc.string({ unit: "binary", maxLength: 60 }).filter((text) =>
    !/[A-Za-z0-9]$/.test(text)
  );
  const after = fc.string({ unit: "binary", maxLength: 60 });
  fc.assert(
    fc.property(around, fc.constantFrom(...Object.values(TOKENS)), after, (before, token, rest) => {
      const redacted = rules.redactText(before + token + rest);
      assert.equal(redacted.includes(token), false);
    }),
    { numRuns: 500 },
  );
});
