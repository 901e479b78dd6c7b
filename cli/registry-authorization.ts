import { CommandError } from "./command.ts";
import type { ImageLocation } from "./image-name.ts";
import { patientFetch, type FetchLimits } from "./registry-fetch.ts";

export interface Login {
  readonly username: string;
  readonly password: string;
}

/**
 * Answers a registry's challenge: Basic with the login itself, Bearer with a token from the registry's own service.
 * @param challenge the header `www-authenticate`
 * @returns the header `authorization`; `undefined` if there is nothing to answer with
 */
export async function authorizationFor(
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
  const response = await patientFetch(
    url.href,
    { headers: basic === undefined ? {} : { authorization: basic } },
    limits,
  );
  if (!response.ok) {
    await response.body?.cancel();
    const wayOut = login === undefined ? "log in with `docker login`" : `check the password of ${login.username}`;
    throw new CommandError(
      `${url.host} gives no token for ${image.host}/${image.name} (${response.status}); ${wayOut}`,
    );
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
