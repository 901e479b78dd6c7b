import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How one of the well-known registries speaks where the Docker Registry HTTP API leaves a choice. */
export interface RegistryKind {
  readonly name: string;
  /** The path of an image, below the host. */
  readonly image: string;
  /** The login that it takes. */
  readonly username: string;
  readonly password: string;
  /** The path of its token service; `undefined`: it takes the login itself, and says so by Basic. */
  readonly tokens?: string;
  /** The name of the service in its challenge. */
  readonly service: string;
  /** Under which name the token service gives the token. */
  readonly tokenKey?: "token" | "access_token";
  /** The status and body for a login that it does not accept. */
  readonly refusal: readonly [status: number, body: string];
  /** The status and body for what it had let in before, once that has expired. */
  readonly expired: readonly [status: number, body: string];
  /** Whether the next page is named by a whole URL, and by a word of its own in place of the last tag. */
  readonly opaquePages: boolean;
  /** Whether blobs are on another host, which takes no login of the registry. */
  readonly storage: boolean;
}

const denied = '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}';
const unauthorized = '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}';

/**
 * Sources: https://docs.github.com/packages, https://docs.gitlab.com/user/packages/container_registry/,
 * https://cloud.google.com/artifact-registry/docs/docker/authentication,
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html, https://goharbor.io/docs/
 */
export const registryKinds: readonly RegistryKind[] = [
  {
    name: "GHCR",
    image: "acme/team/shop-link",
    username: "octocat",
    password: "ghp_x",
    tokens: "/token",
    service: "ghcr.io",
    refusal: [403, denied],
    expired: [401, unauthorized],
    opaquePages: false,
    storage: true,
  },
  {
    name: "GitLab",
    image: "group/sub/project/shop-link",
    username: "deploy-bot",
    password: "glpat-x",
    tokens: "/jwt/auth",
    service: "container_registry",
    refusal: [403, '{"errors":[{"code":"DENIED","message":"access forbidden"}]}'],
    expired: [401, unauthorized],
    opaquePages: false,
    storage: true,
  },
  {
    name: "Artifact Registry",
    image: "my-project/my-repo/shop-link",
    username: "_json_key",
    password: '{\n  "type": "service_account",\n  "private_key": "-----BEGIN: KEY-----\\n"\n}\n',
    tokens: "/v2/token",
    service: "europe-docker.pkg.dev",
    tokenKey: "access_token",
    refusal: [401, '{"errors":[{"code":"UNAUTHORIZED","message":"authentication failed"}]}'],
    expired: [401, unauthorized],
    opaquePages: true,
    storage: false,
  },
  {
    name: "ECR",
    image: "acme/shop-link",
    username: "AWS",
    password: "ZXlKd2",
    service: "ecr.amazonaws.com",
    refusal: [401, "Not Authorized\n"],
    expired: [
      403,
      '{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}',
    ],
    opaquePages: true,
    storage: true,
  },
  {
    name: "Harbor",
    image: "library/team/shop-link",
    username: "robot$team+ci",
    password: "harbor-x",
    tokens: "/service/token",
    service: "harbor-registry",
    refusal: [401, '{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized: unauthorized"}]}'],
    expired: [401, unauthorized],
    opaquePages: false,
    storage: false,
  },
];

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const config = '{"created":"2026-01-01T00:00:00Z"}';
const digest = `sha256:${"1".repeat(64)}`;
const configDigest = `sha256:${"2".repeat(64)}`;

/** A registry of a kind, with one image and a few tags. */
export class RegistryOfKind implements AsyncDisposable {
  readonly tags = ["0.2.1", "0.2.2", "0.2.3"];
  readonly digest = digest;
  /** What is let in changes with it: tokens and logins of before have expired. */
  generation = 0;
  /** The scopes that tokens were asked for. */
  readonly scopes: string[] = [];
  private readonly kind: RegistryKind;
  private readonly servers: readonly [registry: Server, storage: Server];

  private constructor(kind: RegistryKind) {
    this.kind = kind;
    this.servers = [
      createServer((request, response) => this.answer(request, response)),
      // As storage does that takes a signed address: a second login is one too many.
      createServer(
        (request, response) =>
          void (request.headers.authorization === undefined ? response.end(config) : response.writeHead(400).end()),
      ),
    ];
  }

  static async start(kind: RegistryKind): Promise<RegistryOfKind> {
    const registry = new RegistryOfKind(kind);
    for (const server of registry.servers) await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
    return registry;
  }

  /** As it appears in image names. */
  get host(): string {
    return hostOf(this.servers[0]);
  }

  get repository(): string {
    return `${this.host}/${this.kind.image}`;
  }

  /** What the kind's users have at present. */
  get password(): string {
    return `${this.kind.password}${this.kind.tokens === undefined ? this.generation : ""}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { image, tokens, service, tokenKey = "token", refusal, expired } = this.kind;
    const url = new URL(request.url ?? "/", `http://${this.host}`);
    const given = request.headers.authorization;
    const basic = `Basic ${Buffer.from(`${this.kind.username}:${this.password}`).toString("base64")}`;
    const scope = `repository:${image}:pull`;
    if (url.pathname === tokens) {
      this.scopes.push(url.searchParams.get("scope") ?? "");
      const isAsked = url.searchParams.get("service") === service && url.searchParams.get("scope") === scope;
      if (given !== basic || !isAsked) return void response.writeHead(refusal[0]).end(refusal[1]);
      return void response.end(JSON.stringify({ [tokenKey]: `token-${this.generation}`, token_type: "Bearer" }));
    }
    const wanted = tokens === undefined ? basic : `Bearer token-${this.generation}`;
    if (given !== wanted) {
      const isOld = given !== undefined && this.generation > 0;
      const [status, body] = isOld ? expired : [401, tokens === undefined ? refusal[1] : unauthorized];
      const realm = `http://${this.host}${tokens ?? "/"}`;
      const challenge =
        tokens === undefined
          ? `Basic realm="${realm}",service="${service}"`
          : `Bearer realm="${realm}",service="${service}",scope="${scope}"`;
      return void response.writeHead(status, status === 401 ? { "www-authenticate": challenge } : {}).end(body);
    }
    const rest = url.pathname.replace(`/v2/${image}/`, "");
    if (rest === "tags/list") return this.page(url, response);
    if (rest === `blobs/${configDigest}`)
      return this.kind.storage
        ? void response.writeHead(307, { location: `http://${hostOf(this.servers[1])}/signed?x=1` }).end()
        : void response.end(config);
    const isImage = [...this.tags, digest].some((reference) => rest === `manifests/${reference}`);
    if (!isImage)
      return void response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    const manifest = { schemaVersion: 2, mediaType: manifestType, config: { digest: configDigest }, layers: [] };
    response
      .writeHead(200, { "content-type": manifestType, "docker-content-digest": digest })
      .end(request.method === "HEAD" ? undefined : JSON.stringify(manifest));
  }

  /** Two tags a page. */
  private page(url: URL, response: ServerResponse): void {
    const { image, opaquePages } = this.kind;
    const last = url.searchParams.get("last");
    const start = last === null ? 0 : opaquePages ? Number(last.replace("page:", "")) : this.tags.indexOf(last) + 1;
    const page = this.tags.slice(start, start + 2);
    if (start + 2 < this.tags.length) {
      const next = opaquePages ? encodeURIComponent(`page:${start + 2}`) : page.at(-1);
      const path = `/v2/${image}/tags/list?last=${next}&n=2`;
      response.setHeader("link", `<${opaquePages ? `http://${this.host}` : ""}${path}>; rel="next"`);
    }
    response.end(JSON.stringify({ name: image, tags: page, ...(opaquePages ? { child: [], manifest: {} } : {}) }));
  }
}

/** The address of a server that listens on TCP. */
function hostOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
