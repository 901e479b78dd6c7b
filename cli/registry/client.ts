import { createHash } from "node:crypto";
import { rootMessage } from "../../core/error.ts";
import { allPages } from "../../core/pages.ts";
import { backoff, retry } from "../../core/retry.ts";
import { CommandError } from "../command.ts";
import { locateImages, type ImageLocation } from "../../core/image-name.ts";
import { blobsOf, isImage, manifestTypes, platformImages, type ManifestContent } from "./manifest.ts";

/** What the commands ask a registry. Repositories are written as in image names, e.g. `docker.io/acme/shop-link`. */
export interface Registry {
  /** All tags; none if the repository is not there. */
  tags(repository: string): Promise<string[]>;
  /** The digest of a tag or digest; `undefined`: the registry does not have it. */
  digest(repository: string, reference: string): Promise<string | undefined>;
  /** When the image was built, by its own account; `undefined`: it does not say, or there is no image. */
  created(repository: string, reference: string): Promise<Date | undefined>;
  /** The image of a tag or digest; `undefined`: there is none, or it is a build cache or another artifact that cannot run. */
  image(repository: string, reference: string): Promise<RegistryImage | undefined>;
  /** What of an image the registry has lost, e.g. `the blob sha256:…`; nothing: it can be pulled. */
  missingParts(repository: string, reference: string): Promise<string[]>;
}

export interface RegistryImage {
  readonly digest: string;
  /** When it was built, by its own account. */
  readonly created: Date | undefined;
}

interface RegistryOptions {
  /** The login for a registry, by its host; `undefined`: anonymous. */
  readonly login: (host: string) => Promise<Login | undefined>;
  readonly limits?: FetchLimits;
}

/** Speaks the Docker Registry HTTP API v2. */
export function registryClient({ login, limits }: RegistryOptions): Registry {
  const authorizations = new Map<string, string>();

  async function request(
    image: ImageLocation,
    path: string,
    method = "GET",
    accept = "application/json",
    redirect: NonNullable<RequestInit["redirect"]> = "follow",
  ): Promise<Response | undefined> {
    const url = path.startsWith("/v2/") ? `${image.url}${path}` : path;
    const scope = `${image.host}/${image.name}`;
    const send = (): Promise<Response> => {
      const authorization = authorizations.get(scope);
      return fetchWithRetry(
        url,
        { method, redirect, headers: { accept, ...(authorization === undefined ? {} : { authorization }) } },
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
    if (response.ok || (redirect === "manual" && response.status >= 300 && response.status < 400)) return response;
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
      const first = `/v2/${image.name}/tags/list?n=1000`;
      return allPages(`the tags of ${image.host}/${image.name}`, first, async (address) => {
        const response = await request(image, address);
        if (response === undefined) return { items: [], next: undefined };
        // The API defines the answer so.
        const page = (await response.json()) as { tags?: string[] | null };
        return { items: page.tags ?? [], next: nextPage(response, image) };
      });
    },
    async digest(repository, reference) {
      const image = locateImages(repository);
      // Docker Hub does not count these as pulls.
      const response = await request(image, `/v2/${image.name}/manifests/${reference}`, "HEAD", manifestTypes);
      if (response === undefined) return undefined;
      return response.headers.get("docker-content-digest") ?? (await manifest(image, reference))?.digest;
    },
    created: async (repository, reference) => (await imageOf(locateImages(repository), reference))?.created,
    image: (repository, reference) => imageOf(locateImages(repository), reference),
    async missingParts(repository, reference) {
      const image = locateImages(repository);
      const top = await manifest(image, reference);
      if (top === undefined) return ["all of it"];
      const children = platformImages(top.content);
      const images = await Promise.all(children.map(async (child) => ({ child, found: await manifest(image, child) })));
      const blobs = [top, ...images.map(({ found }) => found)].flatMap((each) =>
        each === undefined ? [] : blobsOf(each.content),
      );
      const lost = await Promise.all(
        [...new Set(blobs)].map(async (blob) => ((await hasBlob(image, blob)) ? [] : [`the blob ${blob}`])),
      );
      return [
        ...images.flatMap(({ child, found }) => (found === undefined ? [`the manifest ${child}`] : [])),
        ...lost.flat(),
      ];
    },
  };

  async function imageOf(image: ImageLocation, reference: string): Promise<RegistryImage | undefined> {
    const top = await manifest(image, reference);
    if (top === undefined) return undefined;
    const [child] = platformImages(top.content);
    const content = child === undefined ? top.content : (await manifest(image, child))?.content;
    if (content?.config === undefined || !isImage(content)) return undefined;
    const response = await request(image, `/v2/${image.name}/blobs/${content.config.digest}`);
    // A config blob is an object; the time in it is optional.
    const { created = "" } = response === undefined ? {} : ((await response.json()) as { created?: string });
    const time = new Date(created);
    return { digest: top.digest, created: Number.isNaN(time.getTime()) ? undefined : time };
  }

  /** A registry may send us on to its storage, whose address is signed for another method than ours. */
  async function hasBlob(image: ImageLocation, digest: string): Promise<boolean> {
    const path = `/v2/${image.name}/blobs/${digest}`;
    const response = await request(image, path, "HEAD", "*/*", "manual");
    await response?.body?.cancel();
    return response !== undefined;
  }
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
    const hint = loggedIn
      ? "check the login and what it may read"
      : `log in with \`docker login ${image.host === "docker.io" ? "" : image.host}\`, or give --username and --password-stdin`;
    return new CommandError(`the registry does not let us read ${what} (${status}); ${hint}`);
  }
  return new CommandError(`the registry answers ${status} for ${what}; run the same command again later`);
}

export interface FetchLimits {
  /** How often a request is sent again when the registry is busy or does not answer. @default 4 */
  readonly retries?: number;
  /** The longest pause between two attempts, in milliseconds. @default 60000 */
  readonly longestPause?: number;
  /** How long one request may take, in milliseconds. @default 30000 */
  readonly timeout?: number;
  /** Called when few requests are left before the registry's limit. */
  readonly onScarce?: (remaining: number, url: string) => void;
}

/**
 * Sends a request again when the registry cannot be reached, or answers with 5xx, or 429 and `retry-after`.
 * @throws CommandError if the registry cannot be reached, or still limits our requests at the last attempt
 */
async function fetchWithRetry(url: string, init: RequestInit, limits: FetchLimits = {}): Promise<Response> {
  const { retries = 4, longestPause = 60_000, timeout = 30_000 } = limits;
  const { host } = new URL(url);
  const send = async (): Promise<Response> => {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeout) }).catch((error: unknown) => {
      throw new CommandError(
        `the registry at ${host} cannot be reached (${rootMessage(error)}); check its name and the network`,
        { cause: error },
      );
    });
    warnWhenScarce(response, url, limits);
    if (response.status !== 429 && response.status < 500) return response;
    await response.body?.cancel();
    throw new BusyError(response);
  };
  const response = await retry(send, {
    pauses: backoff(retries, 375, longestPause),
    pauseFor: (error) => {
      const requested = error instanceof BusyError ? requestedPause(error.response) : undefined;
      return requested === undefined ? undefined : Math.min(requested, longestPause);
    },
  }).catch((error: unknown) => {
    if (error instanceof BusyError) return error.response;
    throw error;
  });
  if (response.status !== 429) return response;
  throw new CommandError(
    `the registry at ${host} limits our requests (429); wait, or log in: registries allow more to those they know`,
  );
}

/** The registry has answered that it cannot answer now. */
class BusyError extends Error {
  /** Without its body. */
  readonly response: Response;

  constructor(response: Response) {
    super(`status ${response.status}`);
    this.response = response;
  }
}

/** `retry-after` in seconds or as a date, in milliseconds from now. */
function requestedPause(response: Response): number | undefined {
  const value = response.headers.get("retry-after");
  if (value === null) return undefined;
  return /^\d+$/.test(value) ? Number(value) * 1000 : Math.max(0, Date.parse(value) - Date.now());
}

/** Docker Hub: `ratelimit-remaining: 76;w=21600`. */
function warnWhenScarce(response: Response, url: string, { onScarce }: FetchLimits): void {
  const limit = Number.parseInt(response.headers.get("ratelimit-limit") ?? "", 10);
  const remaining = Number.parseInt(response.headers.get("ratelimit-remaining") ?? "", 10);
  if (remaining < limit / 10) onScarce?.(remaining, url);
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/**
 * Answers a registry's challenge: Basic with the login itself, Bearer with a token from the registry's own service.
 * @param challenge the header `www-authenticate`
 * @returns the header `authorization`; `undefined` if there is nothing to answer with
 */
async function authorizationFor(
  challenge: string,
  image: ImageLocation,
  login: Login | undefined,
  limits?: FetchLimits,
): Promise<string | undefined> {
  const [scheme = ""] = challenge.split(" ");
  const basic =
    login === undefined ? undefined : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  if (scheme.toLowerCase() === "basic") return basic;
  if (scheme.toLowerCase() !== "bearer")
    throw new CommandError(
      `${image.host} wants the login scheme ${JSON.stringify(scheme)}; only Basic and Bearer are known here`,
    );
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
  );
  const url = realmUrl(parameters["realm"], image);
  if (parameters["service"] !== undefined) url.searchParams.set("service", parameters["service"]);
  url.searchParams.set("scope", parameters["scope"] ?? `repository:${image.name}:pull`);
  const response = await fetchWithRetry(
    url.href,
    { headers: basic === undefined ? {} : { authorization: basic } },
    limits,
  );
  if (!response.ok) {
    await response.body?.cancel();
    const hint = login === undefined ? "log in with `docker login`" : `check the password of ${login.username}`;
    throw new CommandError(`${url.host} gives no token for ${image.host}/${image.name} (${response.status}); ${hint}`);
  }
  // Both names are in use.
  const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
  return `Bearer ${token ?? access_token ?? ""}`;
}

/** A password must not cross the network in plain text because a registry's answer says so. */
function realmUrl(realm: string | undefined, image: ImageLocation): URL {
  if (realm === undefined || !URL.canParse(realm))
    throw new CommandError(`${image.host} names no service that gives tokens: ${JSON.stringify(realm)}`);
  const url = new URL(realm);
  const local = image.url.startsWith("http:");
  if (url.protocol !== "https:" && !local)
    throw new CommandError(`${image.host} wants the login sent in plain text to ${url.origin}; refused`);
  return url;
}
