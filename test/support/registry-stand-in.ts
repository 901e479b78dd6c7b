import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How the stand-in lets clients in. */
export type RegistryLogin = "none" | "basic" | "bearer";

/** Stands in for a registry: the parts of the Docker Registry HTTP API v2 that the CLI reads, with images made of nothing. */
export class RegistryStandIn implements AsyncDisposable {
  /** Repository → tag → digest. */
  readonly tags = new Map<string, Map<string, string>>();
  /** Every request: method and path. */
  readonly requests: string[] = [];
  /** Answers that come before the real ones, e.g. 429. */
  readonly stumbles: { status: number; headers?: Record<string, string> }[] = [];
  /** Repositories that nobody may read. */
  readonly closed = new Set<string>();
  /** Headers of every answer. */
  headers: Record<string, string> = {};
  private readonly contents = new Map<string, { type: string; body: string }>();
  private readonly server: Server;
  private readonly login: RegistryLogin;

  private constructor(login: RegistryLogin) {
    this.login = login;
    this.server = createServer((request, response) => this.answer(request, response));
  }

  static async start(login: RegistryLogin = "none"): Promise<RegistryStandIn> {
    const registry = new RegistryStandIn(login);
    await new Promise<void>((done) => void registry.server.listen(0, "127.0.0.1", done));
    return registry;
  }

  /** As it appears in image names. */
  get host(): string {
    // A listening server on TCP has such an address.
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Pushes an image; returns its digest. @param type that of its configuration: others than the default are no images */
  push(repository: string, tag: string, created?: string, type = "application/vnd.oci.image.config.v1+json"): string {
    const manifest = this.storeImage(
      { created: created ?? "2026-01-01T00:00:00Z", of: `${repository}:${tag}`, tag },
      type,
    );
    return this.tag(repository, tag, [{ digest: manifest }]);
  }

  /** Pushes an image for several platforms, with what the builder attests of each; returns the index's digest. */
  pushIndex(repository: string, tag: string, platforms: readonly string[], created = "2026-01-01T00:00:00Z"): string {
    const manifests = platforms.map((platform) => {
      const [os, architecture] = platform.split("/");
      return {
        digest: this.storeImage({ created, of: `${repository}:${tag} ${platform}`, tag }),
        platform: { os, architecture },
      };
    });
    const attestations = manifests.map(({ digest }) => ({
      digest: this.storeImage({ created, of: `attestation of ${digest}`, tag }),
      platform: { os: "unknown", architecture: "unknown" },
      annotations: { "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest },
    }));
    return this.tag(repository, tag, [...manifests, ...attestations]);
  }

  /** Retention has removed a part of an image. @param position of the manifest in the index */
  lose(digest: string, part: "index" | "manifest" | "config" | "layer", position = 0): void {
    const index = this.contents.get(digest)?.body ?? "{}";
    const { manifests = [] }: { manifests?: { digest: string }[] } = JSON.parse(index);
    const manifest = manifests[position]?.digest ?? "";
    const [, config = ""] = /"config":\{"digest":"([^"]+)"/.exec(this.contents.get(manifest)?.body ?? "") ?? [];
    const [, layer = ""] = /"layers":\[\{"digest":"([^"]+)"/.exec(this.contents.get(manifest)?.body ?? "") ?? [];
    this.contents.delete({ index: digest, manifest, config, layer }[part]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  private storeImage(
    { created, of, tag }: { created: string; of: string; tag: string },
    type = "application/vnd.oci.image.config.v1+json",
  ): string {
    const config = this.store(type, JSON.stringify({ created, config: { Labels: { tag } } }));
    const layer = this.store("application/vnd.oci.image.layer.v1.tar+gzip", `layer of ${of}`);
    return this.store(
      "application/vnd.oci.image.manifest.v1+json",
      JSON.stringify({
        schemaVersion: 2,
        config: { digest: config, mediaType: type },
        layers: [{ digest: layer, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" }],
      }),
    );
  }

  private tag(repository: string, tag: string, manifests: readonly { digest: string }[]): string {
    const index = this.store(
      "application/vnd.oci.image.index.v1+json",
      JSON.stringify({ schemaVersion: 2, manifests }),
    );
    this.tags.set(repository, new Map([...(this.tags.get(repository) ?? []), [tag, index]]));
    return index;
  }

  private store(type: string, body: string): string {
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    this.contents.set(digest, { type, body });
    return digest;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", `http://${this.host}`);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    const stumble = this.stumbles.shift();
    if (stumble !== undefined) return void response.writeHead(stumble.status, stumble.headers).end();
    const basic = `Basic ${Buffer.from("robot:hunter2").toString("base64")}`;
    if (url.pathname === "/token") {
      if (request.headers.authorization !== undefined && request.headers.authorization !== basic)
        return void response.writeHead(401).end();
      return void response.end(JSON.stringify({ token: `token for ${url.searchParams.get("scope")}` }));
    }
    const [, repository = "", kind, reference = ""] =
      /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (this.closed.has(repository)) return void response.writeHead(401).end();
    const scope = `repository:${repository}:pull`;
    const wanted = { none: undefined, basic, bearer: `Bearer token for ${scope}` }[this.login];
    if (wanted !== undefined && request.headers.authorization !== wanted) {
      const challenge =
        this.login === "basic"
          ? 'Basic realm="stand-in"'
          : `Bearer realm="http://${this.host}/token",service="stand-in",scope="${scope}"`;
      return void response.writeHead(401, { "www-authenticate": challenge }).end();
    }
    for (const [name, value] of Object.entries(this.headers)) response.setHeader(name, value);
    const tags = this.tags.get(repository);
    if (tags === undefined) return void response.writeHead(404).end();
    if (kind === "tags") return this.page([...tags.keys()], repository, url, response);
    const digest = tags.get(reference) ?? reference;
    const content = this.contents.get(digest);
    if (content === undefined) return void response.writeHead(404).end();
    response
      .writeHead(200, { "content-type": content.type, "docker-content-digest": digest })
      .end(request.method === "HEAD" ? undefined : content.body);
  }

  /** Two tags a page: clients must follow the links. */
  private page(tags: readonly string[], repository: string, url: URL, response: ServerResponse): void {
    const start = url.searchParams.has("last") ? tags.indexOf(url.searchParams.get("last") ?? "") + 1 : 0;
    const page = tags.slice(start, start + 2);
    if (start + 2 < tags.length)
      response.setHeader("link", `</v2/${repository}/tags/list?n=2&last=${page.at(-1)}>; rel="next"`);
    response.end(JSON.stringify({ name: repository, tags: page }));
  }
}
