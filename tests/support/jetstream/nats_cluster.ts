/**
 * Three `nats-server` processes on loopback that replicate each stream.
 *
 * @module
 */

import { connect } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "@std/path";
import { freePorts } from "../network/free_ports.ts";
import { NatsServer } from "./nats_server.ts";

/** Ms between polls while there is no leader. */
const ASK_MS = 100;
const NODES = 3;

/** A cluster of replicating servers. */
export class NatsCluster implements AsyncDisposable {
  readonly nodes: readonly NatsServer[];
  readonly #directory: string;

  constructor(nodes: readonly NatsServer[], directory: string) {
    this.nodes = nodes;
    this.#directory = directory;
  }

  /** `host:port,host:port,host:port`. */
  get address(): string {
    return this.nodes.map(({ address }) => address).join();
  }

  /** The leader of a stream according to a majority; waits for the end of an election. */
  async leader(stream: string): Promise<NatsServer> {
    for (;;) {
      const { leader } = await this.#clusterOf(stream).catch(() => ({ leader: undefined }));
      const found = this.nodes.find(({ name }) => name === leader);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }

  /** Resolves when all nodes have the complete stream. */
  async isCurrent(stream: string): Promise<void> {
    for (;;) {
      const { leader, replicas = [] } = await this.#clusterOf(stream).catch(() => none);
      const current = replicas.filter(({ current, offline }) => current && offline !== true);
      if (leader !== undefined && current.length === NODES - 1) return;
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    }
  }

  async #clusterOf(stream: string): Promise<StreamCluster> {
    const servers = this.nodes.map(({ address }) => address);
    const connection = await connect({ servers, timeout: 2_000 });
    try {
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 });
      return (await manager.streams.info(stream)).cluster ?? none;
    } finally {
      await connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

interface StreamCluster {
  readonly leader?: string;
  readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
}

const none: StreamCluster = {};

/** Starts three servers that know each other, but do not advertise their addresses. */
export async function startCluster(): Promise<NatsCluster> {
  const directory = await mkdtemp(join(tmpdir(), "weave-wal-cluster-"));
  const ports = await freePorts(2 * NODES);
  const routes = ports.slice(NODES);
  const nodes = routes.map((route, index) => {
    const others = routes.map((port) => `"nats://127.0.0.1:${port}"`);
    // Clients use only the given addresses, and thus the proxy if there is one.
    const config = `cluster {
  name: test
  listen: "127.0.0.1:${route}"
  routes: [${others.join()}]
  no_advertise: true
}
`;
    return new NatsServer(`n${index}`, ports[index], directory, config);
  });
  await Promise.all(nodes.map((node) => node.start()));
  return new NatsCluster(nodes, directory);
}
