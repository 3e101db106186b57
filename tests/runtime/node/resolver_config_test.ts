/**
 * Names are resolved by the configuration of the operating system.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  addressesIn,
  candidates,
  hasOtherSources,
} from "../../../src/runtime/node/resolver_config.ts";
import { test } from "../../harness.ts";

const HOSTS = `
127.0.0.1\tlocalhost
# 10.0.0.1 commented
10.0.0.2   Trace.Test trace # an alias
fe80::1    trace.test
`;

test("resolver: /etc/hosts names addresses, in any case and with a trailing dot", () => {
  const cases: [string, string[]][] = [
    ["trace.test", ["10.0.0.2", "fe80::1"]],
    ["TRACE.TEST.", ["10.0.0.2", "fe80::1"]],
    ["trace", ["10.0.0.2"]],
    ["commented", []],
    ["an", []],
    ["race.test", []],
    ["10.0.0.2", []],
  ];
  for (const [name, wanted] of cases) assert.deepEqual(addressesIn(HOSTS, name), wanted, name);
  assert.deepEqual(addressesIn("", "trace.test"), []);
});

const KUBERNETES = "search apps.svc.cluster.local svc.cluster.local\noptions ndots:5 edns0";

test("resolver: search domains and ndots determine the names to query, and their order", () => {
  const cases: [name: string, resolv: string, machine: string, wanted: string][] = [
    ["a.test", "", "box", "a.test"],
    ["a", "", "box", "a"],
    ["a", "", "box.corp.test", "a.corp.test a"],
    ["a.test", "", "box.corp.test", "a.test a.test.corp.test"],
    ["a.test", "search .", "box.corp.test", "a.test"],
    ["a", "search x.test y.test.", "box.corp.test", "a.x.test a.y.test a"],
    ["a", "search x.test\ndomain y.test", "box", "a.y.test a"],
    ["a", "# search x.test\n; domain y.test", "box", "a"],
    [
      "trace.apps",
      KUBERNETES,
      "box",
      "trace.apps.apps.svc.cluster.local trace.apps.svc.cluster.local trace.apps",
    ],
    ["trace.apps.", KUBERNETES, "box", "trace.apps."],
    ["a.b.c.d.e.f", `${KUBERNETES}\nsearch x.test`, "box", "a.b.c.d.e.f a.b.c.d.e.f.x.test"],
    ["a.test", "search x.test\noptions ndots:99", "box", "a.test.x.test a.test"],
  ];
  for (const [name, resolv, machine, wanted] of cases) {
    const names = candidates(name, resolv, machine, () => undefined);
    assert.equal(names.join(" "), wanted, `${name} with ${JSON.stringify(resolv)}`);
  }
  const env: Record<string, string> = { LOCALDOMAIN: "z.test", RES_OPTIONS: "rotate ndots:2" };
  const names = candidates("a.test", "search x.test", "box", (name) => env[name]);
  assert.deepEqual(names, ["a.test.z.test", "a.test"]);
});

test("resolver: nsswitch.conf names sources other than files and name servers", () => {
  const cases: [string, boolean][] = [
    ["", false],
    ["passwd: files systemd\nhosts: files dns", false],
    ["hosts: dns [!UNAVAIL=return] files", false],
    ["#hosts: mdns4\nhosts:\tfiles dns", false],
    ["hosts: files mdns4_minimal [NOTFOUND=return] dns", true],
    ["hosts: files myhostname dns", true],
  ];
  for (const [text, wanted] of cases) assert.equal(hasOtherSources(text), wanted, text);
});
