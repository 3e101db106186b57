/**
 * Programs in a network of their own, with faulty name servers.
 *
 * @module
 */

import { spawnSync } from "node:child_process";

/**
 * Runs its arguments next to name servers that know `*.known.test` (IPv4 only), and answer as the
 * first argument says, in JSON: names and types of queries that are not answered, by server.
 */
const SERVERS = `
  const [rules, command, ...args] = process.argv.slice(1);
  const dgram = require("dgram");
  const servers = Object.entries(JSON.parse(rules));
  let starting = servers.length;
  for (const [address, ignored] of servers) {
    const socket = dgram.createSocket("udp4");
    socket.on("message", (query, peer) => {
      const labels = [];
      let at = 12;
      for (; query[at] > 0; at += query[at] + 1) {
        labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
      }
      const name = labels.join(".").toLowerCase();
      const type = query.readUInt16BE(at + 1) === 1 ? "A" : "AAAA";
      if (new RegExp(ignored).test(type + " " + name)) return;
      const isKnown = name === "known.test" || /^[^.]*\\.known\\.test$/.test(name);
      const answers = isKnown && type === "A" ? 1 : 0;
      const head = Buffer.from(query.subarray(0, at + 5));
      head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2);
      head.writeUInt16BE(1, 4);
      head.writeUInt16BE(answers, 6);
      head.writeUInt32BE(0, 8);
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
      socket.send(answers ? Buffer.concat([head, record]) : head, peer.port, peer.address);
    });
    socket.bind(53, address, () => {
      if (--starting > 0) return;
      require("child_process").spawn(command, args, { stdio: "inherit" })
        .on("exit", (code) => process.exit(code ?? 1));
    });
  }
`;
/** Runs its arguments with a configuration of the resolver of its own. */
const NAMESPACE = `
  ip link set lo up && printf "$1" > resolv.conf && echo "127.0.0.1 localhost" > hosts &&
  echo "hosts: files dns" > nsswitch.conf &&
  for file in resolv.conf hosts nsswitch.conf; do mount --bind $file /etc/$file; done &&
  shift && exec node -e "$0" "$@"
`;
const UNSHARED = ["--user", "--map-root-user", "--mount", "--net"];

/** A faulty set of name servers. */
export interface NameServers {
  /** Servers by address, with a pattern of the queries (`A name`, `AAAA name`) that they ignore. */
  readonly servers: Readonly<Record<string, string>>;
  /** Further lines of `resolv.conf`. */
  readonly resolv?: string;
}

/** Name servers by their fault. */
export const NAME_SERVERS: Readonly<Record<string, NameServers>> = {
  "no name server responds": { servers: { "127.0.0.77": "" } },
  "the first of two name servers does not respond": {
    servers: { "127.0.0.77": "", "127.0.0.78": "^$" },
  },
  "queries for IPv6 addresses are dropped": { servers: { "127.0.0.77": "^AAAA" } },
  "the name servers of a search domain do not respond": {
    servers: { "127.0.0.77": "away\\.test$" },
    resolv: "search away.test\noptions ndots:5",
  },
};

/** Returns the command prefix for a program that has these name servers. */
export function withNameServers({ servers, resolv = "" }: NameServers): string[] {
  const lines = [...Object.keys(servers).map((address) => `nameserver ${address}`), resolv, ""];
  return [
    ...["unshare", ...UNSHARED, "sh", "-c", NAMESPACE, SERVERS],
    ...[lines.join("\\n"), JSON.stringify(servers)],
  ];
}

const { status } = spawnSync("unshare", [...UNSHARED, "ip", "link", "set", "lo", "up"]);

/** Why programs cannot have name servers of their own here; `false` if they can. */
export const noNameServers: string | false = status !== 0 &&
  "a network of its own needs user namespaces of Linux, and ip";
