import { createHash } from "node:crypto";
import { CommandError } from "./command.ts";
import { locateImages, type ImageLocation } from "./image-name.ts";
import { authorizationFor, type Login } from "./registry-authorization.ts";
import { patientFetch, type FetchLimits } from "./registry-fetch.ts";

/** What the commands ask a registry. Repositories are written as in image names, e.g. `docker.io/acme/shop-link`. */
export interface Registry {
  /** All tags; none if the repository is not there. */
  tags(repository: string): Promise<string[]>;
  /** The digest of a tag or digest; `undefined`: the registry does not have it. */
  digest(repository: string, reference: string): Promise<string | undefined>;
  /** When the image was built, by its own account. */
  created(repository: string, reference: string): Promise<Date | undefined>;
}

export interface RegistryOptions {
  /** The login for a registry, by its host; `undefined`: anonymous. */
  readonly login: (host: string) => Promise<Login | undefined>;
  readonly limits?: FetchLimits;
}

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Speaks the Docker Registry HTTP API v2. */
export function registryClient({ login, limits }: RegistryOptions): Registry {
  const authorizations = new Map<string, string>();

  async function request(
    image: ImageLocation,
    path: string,
    method = "GET",
    accept = "application/json",
  ): Promise<Response | undefined> {
    const url = path.startsWith("/v2/") ? `${image.url}${path}` : path;
    const scope = `${image.host}/${image.name}`;
    const send = (): Promise<Response> => {
      const authorization = authorizations.get(scope);
      return patientFetch(
        url,
        { method, headers: { accept, ...(authorization === undefined ? {} : { authorization }) } },
        limits,
      );
    };
    const first = await send();
    const challenge = first.status === 401 ? first.headers.get("www-authenticate") : null;
    if (challenge !== null) {
      await first.body?.cancel();
      const granted = await authorizationFor(challenge, image, await login(image.host), limits);
      if (granted !== undefined) authorizations.set(scope, granted);
    }
    const response = challenge === null ? first : await send();
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw refusal(image, response.status, (await login(image.host)) !== undefined);
  }

  async function manifest(
    image: ImageLocation,
    reference: string,
  ): Promise<{ digest: string; content: ManifestContent } | undefined> {
    const response = await request(image, `/v2/${image.name}/manifests/${reference}`, "GET", manifestTypes);
    if (response === undefined) return undefined;
    const bytes = Buffer.from(await response.arrayBuffer());
    const digest =
      response.headers.get("docker-content-digest") ?? `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    // The accepted types all have this shape.
    return { digest, content: JSON.parse(bytes.toString()) as ManifestContent };
  }

  return {
    async tags(repository) {
      const image = locateImages(repository);
      const tags: string[] = [];
      for (let next: string | undefined = `/v2/${image.name}/tags/list?n=1000`; next !== undefined;) {
        const response: Response | undefined = await request(image, next);
        if (response === undefined) return tags;
        // The API says so.
        const page = (await response.json()) as { tags?: string[] | null };
        tags.push(...(page.tags ?? []));
        next = nextPage(response, image);
      }
      return tags;
    },
    async digest(repository, reference) {
      const image = locateImages(repository);
      // Docker Hub does not count these as pulls.
      const response = await request(image, `/v2/${image.name}/manifests/${reference}`, "HEAD", manifestTypes);
      if (response === undefined) return undefined;
      return response.headers.get("docker-content-digest") ?? (await manifest(image, reference))?.digest;
    },
    async created(repository, reference) {
      const image = locateImages(repository);
      const top = await manifest(image, reference);
      const child = top?.content.manifests?.[0]?.digest;
      const { content } = (child === undefined ? top : await manifest(image, child)) ?? {};
      if (content?.config === undefined) return undefined;
      const response = await request(image, `/v2/${image.name}/blobs/${content.config.digest}`);
      // A config blob is an object; the time in it is optional.
      const { created } = response === undefined ? {} : ((await response.json()) as { created?: string });
      return created === undefined ? undefined : new Date(created);
    },
  };
}

interface ManifestContent {
  manifests?: { digest: string }[];
  config?: { digest: string };
}

function nextPage(response: Response, image: ImageLocation): string | undefined {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
  if (link === undefined) return undefined;
  const { pathname, search } = new URL(link, image.url);
  return `${pathname}${search}`;
}

function refusal(image: ImageLocation, status: number, loggedIn: boolean): CommandError {
  const what = `${image.host}/${image.name}`;
  if (status === 401 || status === 403) {
    const wayOut = loggedIn
      ? "check the login and what it may read"
      : `log in with \`docker login ${image.host === "docker.io" ? "" : image.host}\`, or give --username and --password-stdin`;
    return new CommandError(`the registry does not let us read ${what} (${status}); ${wayOut}`);
  }
  return new CommandError(`the registry answers ${status} for ${what}; run the same command again later`);
}
