import { parsedJson } from "../../core/json.ts";
import { z } from "zod";
import { isElasticRegistry, type ImageLocation } from "../../core/image-name.ts";
import { CommandError } from "../command.ts";
import { fetchWithRetry, type FetchLimits } from "./fetch-with-retry.ts";

export interface Login {
  readonly username: string;
  /** A password, or a token that the registry takes for one. */
  readonly password: string;
  /** Whether the password is a token for the registry's token service alone, which takes no user name with it. @default false */
  readonly isIdentityToken?: true;
}

/**
 * Answers a registry's challenge: Basic with the login itself, Bearer with a token from the registry's own service.
 * @param challenge the header `www-authenticate`
 * @param actions what it is to let do, where the registry does not say. @default pull
 * @returns the header `authorization`; `undefined` if there is nothing to answer with
 */
export async function authorizationFor(
  challenge: string,
  image: ImageLocation,
  login: Login | undefined,
  { actions = "pull", limits }: { readonly actions?: string; readonly limits?: FetchLimits | undefined } = {},
): Promise<string | undefined> {
  const schemes = challengesIn(challenge);
  const basic =
    login === undefined || login.isIdentityToken === true
      ? undefined
      : `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  const bearer = schemes.get("bearer");
  if (bearer === undefined) {
    if (schemes.has("basic")) return basic;
    throw new CommandError(
      `${image.host} wants the login scheme ${JSON.stringify(challenge.split(" ")[0])}; only Basic and Bearer are known here`,
    );
  }
  const url = realmUrl(bearer["realm"], image);
  const asked = {
    ...(bearer["service"] === undefined ? {} : { service: bearer["service"] }),
    // Some name no scope where they answer for none yet.
    scope: bearer["scope"] || `repository:${image.name}:${actions}`,
  };
  const response = await fetchWithRetry(...tokenRequest(url, asked, login, basic), limits);
  if (!response.ok) {
    const reason = await reasonIn(response);
    const hint =
      login === undefined
        ? `log in with \`docker login${image.host === "docker.io" ? "" : ` ${image.host}`}\``
        : `check the password of ${login.isIdentityToken === true ? "the login" : login.username}`;
    const said = reason === undefined ? String(response.status) : `${response.status}: ${reason}`;
    throw new CommandError(
      `${url.host} gives no token for ${image.host}/${image.name} (${said}); ${hint}${loginHint(image.host)}`,
    );
  }
  // Both names are in use, and one may be there without a value.
  const { token, access_token } = (await response.json()) as { token?: string; access_token?: string };
  return `Bearer ${token || access_token || ""}`;
}

/** Source: https://distribution.github.io/distribution/spec/auth/token/, https://distribution.github.io/distribution/spec/auth/oauth/ */
function tokenRequest(
  url: URL,
  asked: Readonly<Record<string, string>>,
  login: Login | undefined,
  basic: string | undefined,
): [url: string, init: RequestInit] {
  if (login?.isIdentityToken === true) {
    const form = { grant_type: "refresh_token", client_id: "delivery", refresh_token: login.password, ...asked };
    return [url.href, { method: "POST", body: new URLSearchParams(form) }];
  }
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return [url.href, { headers: basic === undefined ? {} : { authorization: basic } }];
}

/** The challenges of a header by their schemes in small letters: there may be several, each with parameters. */
function challengesIn(header: string): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const found = new Map<string, Record<string, string>>();
  let current: Record<string, string> = {};
  for (const [, scheme, key = "", quoted, plain = ""] of header.matchAll(
    /(?:^|[\s,])(?:([A-Za-z]+)(?=\s+[A-Za-z]|\s*$)|([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+)))/g,
  )) {
    if (scheme === undefined) current[key.toLowerCase()] = quoted ?? plain;
    else found.set(scheme.toLowerCase(), (current = {}));
  }
  return found;
}

/** The registry's own words in an answer that refuses; `undefined`: it has none. Reads the body. */
export async function reasonIn(response: Response): Promise<string | undefined> {
  const body = await response.text().catch(() => "");
  const parsed = errorsSchema.safeParse(parsedJson(body));
  const [first] = parsed.data?.errors ?? [];
  const text = first?.message ?? first?.code ?? parsed.data?.details;
  return text?.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 200);
}

const errorsSchema = z.object({
  errors: z
    .array(z.object({ code: z.string().optional().catch(undefined), message: z.string().optional().catch(undefined) }))
    .optional()
    .catch(undefined),
  /** Of token services. */
  details: z.string().optional().catch(undefined),
});

/** What else to know of a registry's logins, to be added to what to do. */
export function loginHint(host: string): string {
  return isElasticRegistry(host)
    ? "; a login of ECR holds for 12 hours: log in again, or let its credential helper do it (credHelpers of Docker's config file)"
    : "";
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
