import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "../../harness.ts";
import { freePorts } from "../../support/network/free_ports.ts";

const RANGE = "/proc/sys/net/ipv4/ip_local_port_range";

test(
  "free ports: a program can listen on each, and the system gives none to a connection",
  async () => {
    const ports = await freePorts(20);
    assert.equal(new Set(ports).size, 20);
    const lowest = Number(readFileSync(RANGE, "utf8").split("\t")[0]);
    for (const port of ports) {
      assert.ok(port < lowest, `${port}`);
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, "127.0.0.1", resolve);
      });
      await new Promise((resolve) => server.close(resolve));
    }
  },
  { skip: existsSync(RANGE) ? false : `No ${RANGE}` },
);
