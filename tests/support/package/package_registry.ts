/**
 * npm and JSR registries on loopback, as far as their clients need them: published
 * packages can be run from there.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "@std/path";
import { projectRoot } from "../../../scripts/test/process.ts";

/** A running registry. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
}

interface Answer {
  readonly status?: number;
  readonly body: string | Uint8Array;
}

const NOT_FOUND: Answer = { status: 404, body: "{}" };
const json = (value: unknown): Answer => ({ body: JSON.stringify(value) });

/** An npm registry with one package in one version. */
export function startNpm(name: string, tarball: string): Promise<Registry> {
  const bytes = readFileSync(tarball);
  const manifest = JSON.parse(
    execFileSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" }),
  ) as { version: string };
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  return serve((path, _body, url) => {
    if (path === "/package.tgz") return { body: bytes };
    if (decodeURIComponent(path) !== `/${name}`) return NOT_FOUND;
    const dist = { tarball: `${url}/package.tgz`, integrity };
    return json({
      name,
      "dist-tags": { latest: manifest.version },
      versions: { [manifest.version]: { ...manifest, dist } },
    });
  });
}

/**
 * A JSR registry that accepts and serves what `deno publish` uploads; the few modules of
 * `@std` that this project uses are the copies in `std/`.
 *
 * @param folder Directory for the unpacked packages.
 */
export function startJsr(folder: string): Promise<Registry> {
  const packages = new Map<string, Published>();
  for (const name of ["path", "jsonc"]) {
    const module = readFileSync(join(projectRoot, "std", name, "mod.ts"), "utf8")
      .replace(/^\/\/ @ts-types=.*\n/m, "").replaceAll('"deno-std/', '"npm:deno-std@1.4.0/');
    const files = new Map([["/mod.ts", module]]);
    packages.set(`@std/${name}`, { version: "1.0.0", exports: { ".": "./mod.ts" }, files });
  }
  return serve((path, body) => {
    const [, scope, name, version] =
      /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)(?:\/versions\/(.+))?$/.exec(path) ?? [];
    if (scope !== undefined) {
      if (version === undefined) return json({ scope, name });
      if (body.length === 0) return NOT_FOUND; // Checks whether the version exists.
      const files = unpacked(body, folder);
      const { exports } = JSON.parse(files.get("/deno.json")!) as Published;
      packages.set(`@${scope}/${name}`, { version, exports, files });
      return json({ id: "1", status: "success", error: null });
    }
    const [, wanted = "", rest = ""] = /^\/(@[^/]+\/[^/]+)(\/.*)$/.exec(path) ?? [];
    const found = packages.get(wanted);
    if (!found) return NOT_FOUND;
    const { version: latest, files } = found;
    if (rest === "/meta.json") return json({ latest, versions: { [latest]: {} } });
    if (rest === `/${latest}_meta.json`) return json(contentsOf(found));
    const text = files.get(rest.slice(`/${latest}`.length));
    return text === undefined ? NOT_FOUND : { body: text };
  });
}

interface Published {
  readonly version: string;
  readonly exports: unknown;
  /** Texts by path from the root, with a leading slash. */
  readonly files: ReadonlyMap<string, string>;
}

function contentsOf({ exports, files }: Published): unknown {
  const manifest = [...files].map(([path, text]) => [path, {
    size: new TextEncoder().encode(text).length,
    checksum: `sha256-${createHash("sha256").update(text).digest("hex")}`,
  }]);
  return { exports, manifest: Object.fromEntries(manifest) };
}

function unpacked(archive: Uint8Array, folder: string): Map<string, string> {
  mkdirSync(folder);
  const path = join(folder, "published.tar.gz");
  writeFileSync(path, archive);
  execFileSync("tar", ["-xzf", path, "-C", folder]);
  const names = readdirSync(folder, { recursive: true }) as string[];
  return new Map(
    names.filter((name) => statSync(join(folder, name)).isFile() && !name.endsWith(".gz"))
      .map((name) => [`/${name}`, readFileSync(join(folder, name), "utf8")]),
  );
}

async function serve(
  answer: (path: string, body: Uint8Array, url: string) => Answer,
): Promise<Registry> {
  const server = createServer(async (request, response) => {
    const [path] = request.url!.split("?");
    const { status = 200, body } = answer(path, await bodyOf(request), url);
    const type = path.endsWith(".ts") ? "text/typescript" : "application/json";
    response.writeHead(status, { "content-type": type }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
