import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** How the stand-in lets clients in. */
export type RegistryLogin = "none" | "basic" | "bearer";

/** Where registries differ in what they do with what is attached to images. */
export interface AttachmentKind {
  /** Whether it lists what is attached to a digest by the API of OCI 1.1. @default false, as Docker Hub and Distribution */
  readonly referrers?: boolean;
  /** What others have attached to every digest, as that list has it. @default nothing */
  readonly foreign?: readonly { mediaType: string; digest: string; size: number }[];
  /** Whether a tag that is there can be changed. @default true */
  readonly immutableTags?: boolean;
  /** Whether it only passes on what others have. @default false */
  readonly readOnly?: boolean;
}

/** Stands in for a registry: the parts of the Docker Registry HTTP API v2 that the CLI speaks, with images made of nothing. */
export class RegistryStandIn implements AsyncDisposable {
  /** Repository → tag → digest. */
  readonly tags = new Map<string, Map<string, string>>();
  /** Every request: method and path. */
  readonly requests: string[] = [];
  /** The logins that were sent. */
  readonly logins = new Set<string>();
  /** Answers that come before the real ones, e.g. 429. */
  readonly stumbles: { status: number; headers?: Record<string, string> }[] = [];
  /** Repositories that nobody may read. */
  readonly closed = new Set<string>();
  /** What another writer does just after something was written under a tag. */
  afterTag: (repository: string, tag: string) => void = () => {};
  /** Refuses what would be written to a path, by a status and a code. */
  beforeWrite: (path: string) => readonly [status: number, code: string] | undefined = () => undefined;
  /** Headers of every answer. */
  headers: Record<string, string> = {};
  private readonly contents = new Map<string, { type: string; body: string }>();
  private readonly server: Server;
  private readonly login: RegistryLogin;
  private readonly kind: AttachmentKind;

  private constructor(login: RegistryLogin, kind: AttachmentKind) {
    this.login = login;
    this.kind = kind;
    this.server = createServer((request, response) => this.answer(request, response));
  }

  static async start(login: RegistryLogin = "none", kind: AttachmentKind = {}): Promise<RegistryStandIn> {
    const registry = new RegistryStandIn(login, kind);
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

  /** Has an image of another registry, but nothing of what is attached to it there: as a cache that nobody has asked for more. */
  cache(origin: RegistryStandIn, repository: string, digest: string): void {
    for (const [key, content] of origin.contents)
      if (!content.body.includes('"subject"')) this.contents.set(key, content);
    this.tags.set(repository, new Map([["cached", digest]]));
  }

  /** Forgets what is stored under a digest, as garbage collection does. */
  forget(digest: string): void {
    this.contents.delete(digest);
  }

  /** What is stored under a digest. */
  content(digest: string): string {
    return this.contents.get(digest)?.body ?? "";
  }

  /** Puts other content in the place of what has a digest, as whoever can write to the storage may. */
  replace(digest: string, body: string): void {
    this.contents.set(digest, { type: this.contents.get(digest)?.type ?? "", body });
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
    const config = this.write(type, JSON.stringify({ created, config: { Labels: { tag } } }));
    const layer = this.write("application/vnd.oci.image.layer.v1.tar+gzip", `layer of ${of}`);
    return this.write(
      "application/vnd.oci.image.manifest.v1+json",
      JSON.stringify({
        schemaVersion: 2,
        config: { digest: config, mediaType: type, size: this.content(config).length },
        layers: [
          {
            digest: layer,
            mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
            size: this.content(layer).length,
          },
        ],
      }),
    );
  }

  private tag(repository: string, tag: string, manifests: readonly { digest: string }[]): string {
    const index = this.write(
      "application/vnd.oci.image.index.v1+json",
      JSON.stringify({
        schemaVersion: 2,
        manifests: manifests.map((one) => ({ ...one, size: this.content(one.digest).length })),
      }),
    );
    this.tags.set(repository, new Map([...(this.tags.get(repository) ?? []), [tag, index]]));
    return index;
  }

  /** Stores content as it is; returns its digest. */
  write(type: string, body: string): string {
    const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
    this.contents.set(digest, { type, body });
    return digest;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", `http://${this.host}`);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (request.headers.authorization !== undefined) this.logins.add(request.headers.authorization);
    const stumble = this.stumbles.shift();
    if (stumble !== undefined) return void response.writeHead(stumble.status, stumble.headers).end();
    const basic = `Basic ${Buffer.from("robot:hunter2").toString("base64")}`;
    if (url.pathname === "/token") {
      if (request.headers.authorization !== undefined && request.headers.authorization !== basic)
        return void response.writeHead(401).end();
      return void response.end(JSON.stringify({ token: `token for ${url.searchParams.get("scope")}` }));
    }
    const [, repository = "", kind, reference = ""] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs|tags|referrers)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (this.closed.has(repository)) return void response.writeHead(401).end();
    const isWrite = request.method === "PUT" || request.method === "POST";
    const scope = `repository:${repository}:${isWrite ? "pull,push" : "pull"}`;
    const wanted = { none: undefined, basic, bearer: `Bearer token for ${scope}` }[this.login];
    const given = request.headers.authorization;
    const mayBoth = !isWrite && given === `Bearer token for ${scope},push`;
    if (wanted !== undefined && given !== wanted && !mayBoth) {
      const challenge =
        this.login === "basic"
          ? 'Basic realm="stand-in"'
          : `Bearer realm="http://${this.host}/token",service="stand-in",scope="${scope}"`;
      return void response.writeHead(401, { "www-authenticate": challenge }).end();
    }
    for (const [name, value] of Object.entries(this.headers)) response.setHeader(name, value);
    if (isWrite && this.kind.readOnly === true)
      return void response
        .writeHead(405)
        .end('{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}');
    const refused = isWrite ? this.beforeWrite(url.pathname) : undefined;
    if (refused !== undefined)
      return void response.writeHead(refused[0]).end(JSON.stringify({ errors: [{ code: refused[1] }] }));
    if (isWrite && !this.tags.has(repository)) this.tags.set(repository, new Map());
    const tags = this.tags.get(repository);
    if (tags === undefined) return void response.writeHead(404).end();
    if (kind === "tags") return this.page([...tags.keys()], repository, url, response);
    if (isWrite) return void this.put(request, response, { repository, tags, kind, reference, url });
    if (kind === "referrers") return this.referrers(reference, response);
    const digest = tags.get(reference) ?? reference;
    const content = this.contents.get(digest);
    if (content === undefined) return void response.writeHead(404).end();
    response
      .writeHead(200, { "content-type": content.type, "docker-content-digest": digest })
      .end(request.method === "HEAD" ? undefined : content.body);
  }

  private async put(
    request: IncomingMessage,
    response: ServerResponse,
    { repository, tags, kind, reference, url }: WrittenPart,
  ): Promise<void> {
    const body = await text(request);
    if (request.method === "POST")
      return void response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/one?state=x` }).end();
    const digest = this.write(request.headers["content-type"] ?? "", body);
    if (kind === "blobs/uploads")
      return void response.writeHead(url.searchParams.get("digest") === digest ? 201 : 400).end();
    const missing = partsOf(body).filter((part) => !this.contents.has(part));
    if (missing.length > 0)
      return void response
        .writeHead(400)
        .end(JSON.stringify({ errors: [{ code: "MANIFEST_BLOB_UNKNOWN", message: `unknown: ${missing.join()}` }] }));
    if (!reference.startsWith("sha256:")) {
      if (this.kind.immutableTags === true && tags.has(reference))
        return void response
          .writeHead(400)
          .end('{"errors":[{"code":"TAG_INVALID","message":"The image tag is immutable"}]}');
      tags.set(reference, digest);
      this.afterTag(repository, reference);
    }
    const { subject }: { subject?: { digest: string } } = JSON.parse(body);
    response.writeHead(
      201,
      subject === undefined || this.kind.referrers !== true ? {} : { "oci-subject": subject.digest },
    );
    response.end();
  }

  /** What is attached to a digest, where the registry has the API for it. */
  private referrers(subject: string, response: ServerResponse): void {
    if (this.kind.referrers !== true) return void response.writeHead(404).end("404 page not found");
    const manifests = [...this.contents].flatMap(([digest, { type, body }]) =>
      body.includes(`"subject":{`) && body.includes(subject) ? [{ mediaType: type, digest, size: body.length }] : [],
    );
    const { foreign = [] } = this.kind;
    const list = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json" };
    response.end(JSON.stringify({ ...list, manifests: [...foreign, ...manifests] }));
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

/** What a manifest leads to, which a registry must have before. */
function partsOf(manifest: string): string[] {
  type Part = { digest: string };
  const content: { manifests?: Part[]; layers?: Part[]; config?: Part } = JSON.parse(manifest);
  const { manifests = [], layers = [], config } = content;
  return [...manifests, ...layers, ...(config ? [config] : [])].map(({ digest }) => digest);
}

interface WrittenPart {
  readonly repository: string;
  readonly tags: Map<string, string>;
  readonly kind: string | undefined;
  readonly reference: string;
  readonly url: URL;
}
