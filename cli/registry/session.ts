import type { ImageLocation } from "../../core/image-name.ts";
import { CommandError } from "../command.ts";
import { authorizationFor, loginHint, reasonIn, type Login } from "./authorization.ts";
import { fetchWithRetry, type FetchLimits } from "./fetch-with-retry.ts";

export interface RegistryOptions {
  /** The login for a registry, by its host; `undefined`: anonymous. */
  readonly login: (host: string) => Promise<Login | undefined>;
  readonly limits?: FetchLimits | undefined;
}

/** What a request asks to be let do. */
export type RegistryActions = "pull" | "pull,push";

export interface RegistryRequest {
  /** @default GET */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT";
  /** @default application/json */
  readonly accept?: string;
  /** @default follow */
  readonly redirect?: "follow" | "manual";
  readonly body?: RequestBody;
  /** @default pull */
  readonly actions?: RegistryActions;
  /** What of the session's limits does not hold for it. */
  readonly limits?: FetchLimits;
}

/** What is sent: all of it, or what is opened for each attempt, of so many bytes. */
export type RequestBody =
  | { readonly type: string; readonly content: Buffer<ArrayBuffer> }
  | { readonly type: string; readonly size: number; readonly open: () => Promise<ReadableStream<Uint8Array>> };

/**
 * Requests to registries, with the login that each wants.
 * @param path of the registry, or an address that it has named
 * @returns `undefined`: it has no such thing
 * @throws CommandError for every other answer that is none
 */
export type RegistrySession = (
  image: ImageLocation,
  path: string,
  request?: RegistryRequest,
) => Promise<Response | undefined>;

/** Speaks the Docker Registry HTTP API v2. */
export function registrySession({ login, limits }: RegistryOptions): RegistrySession {
  const authorizations = new Map<string, string>();

  /** Answers the registry's challenge, if it has one. What it has let in before may have expired, which each says in its own way. */
  async function authorized(
    image: ImageLocation,
    actions: RegistryActions,
    send: (authorization: string | undefined) => Promise<Response>,
  ): Promise<Response> {
    const scope = `${image.host}/${image.name}:${actions}`;
    const held = authorizations.get(scope);
    const response = await send(held);
    if (held !== undefined && [400, 401, 403].includes(response.status)) {
      await response.body?.cancel();
      authorizations.delete(scope);
      return authorized(image, actions, send);
    }
    const challenge = response.status === 401 ? response.headers.get("www-authenticate") : null;
    if (challenge === null) return response;
    const granted = await authorizationFor(challenge, image, await login(image.host), { actions, limits });
    if (granted === undefined) return response;
    await response.body?.cancel();
    authorizations.set(scope, granted);
    return send(granted);
  }

  return async (image, path, request = {}) => {
    const { method = "GET", accept = "application/json", redirect = "follow", body, actions = "pull" } = request;
    // What is opened can be sent once.
    const once = body === undefined || "content" in body ? {} : { retries: 0 };
    const requestLimits = { ...limits, ...request.limits, ...once };
    const url = new URL(path, image.url);
    // An address elsewhere, such as that of a registry's storage, takes no login of the registry.
    const isOwn = url.origin === new URL(image.url).origin;
    const response = await authorized(image, actions, async (authorization) =>
      fetchWithRetry(
        url.href,
        {
          method,
          redirect,
          headers: {
            accept,
            ...(body === undefined ? {} : { "content-type": body.type }),
            ...(body === undefined || "content" in body ? {} : { "content-length": String(body.size) }),
            ...(authorization === undefined || !isOwn ? {} : { authorization }),
          },
          ...(await sent(body)),
        },
        requestLimits,
      ),
    );
    if (response.ok || (redirect === "manual" && response.status >= 300 && response.status < 400)) return response;
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    throw refusal(image, response.status, {
      reason: await reasonIn(response),
      loggedIn: (await login(image.host)) !== undefined,
      doing: method === "PUT" || method === "POST" ? "write" : "read",
    });
  };
}

async function sent(body: RequestBody | undefined): Promise<Pick<RequestInit, "body" | "duplex">> {
  if (body === undefined) return {};
  return "content" in body ? { body: body.content } : { body: await body.open(), duplex: "half" };
}

/** A registry has answered, and not with what was asked for. */
export class RegistryRefusal extends CommandError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

interface Refused {
  /** The registry's own words. */
  readonly reason: string | undefined;
  readonly loggedIn: boolean;
  readonly doing: "read" | "write";
}

function refusal(image: ImageLocation, status: number, { reason, loggedIn, doing }: Refused): RegistryRefusal {
  const what = `${image.host}/${image.name}`;
  const said = reason === undefined ? String(status) : `${status}: ${reason}`;
  if (status === 401 || status === 403) {
    const hint = loggedIn
      ? `check the login and what it may ${doing}${loginHint(image.host)}`
      : `log in with \`docker login ${image.host === "docker.io" ? "" : image.host}\`, or give --username and --password-stdin${loginHint(image.host)}`;
    return new RegistryRefusal(`the registry does not let us ${doing} ${what} (${said}); ${hint}`, status);
  }
  return new RegistryRefusal(`the registry answers ${said} for ${what}; run the same command again later`, status);
}
