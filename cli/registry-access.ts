import { UsageError, type Surroundings } from "./command.ts";
import { dockerLogin } from "./docker-login.ts";
import type { Login } from "./registry-authorization.ts";
import { registryClient, type Registry } from "./registry-client.ts";
import type { FetchLimits } from "./registry-fetch.ts";

export const registryOptions = {
  username: { type: "string" },
  "password-stdin": { type: "boolean" },
} as const;

export const registryHelp = `  --username USER      the registry's user, with --password-stdin
  --password-stdin     read the registry's password from standard input

Without these, the login of the registry is DELIVERY_REGISTRY_USERNAME and DELIVERY_REGISTRY_PASSWORD in the
environment, or that of \`docker login\`, with Docker's credential helpers.`;

export interface RegistryFlags {
  readonly username?: string | undefined;
  readonly "password-stdin"?: boolean | undefined;
  /** Standard input may serve one thing only. */
  readonly digests?: string | undefined;
}

/** The registry with the login that the user gives. */
export async function openRegistry(
  flags: RegistryFlags,
  surroundings: Surroundings,
  limits?: FetchLimits,
): Promise<Registry> {
  const given = await givenLogin(flags, surroundings);
  const warned = new Set<string>();
  return registryClient({
    login: async (host) => given ?? dockerLogin(host, surroundings.environment),
    limits: {
      ...limits,
      onScarce: (remaining, url) => {
        const { host } = new URL(url);
        if (!warned.has(host)) surroundings.note(`${host} allows ${remaining} more requests for now`);
        warned.add(host);
      },
    },
  });
}

async function givenLogin(flags: RegistryFlags, { environment, input }: Surroundings): Promise<Login | undefined> {
  if (flags["password-stdin"] === true) {
    if (flags.username === undefined) throw new UsageError("--password-stdin needs --username");
    if (flags.digests === "-")
      throw new UsageError(
        "--password-stdin and --digests - both read standard input; put one in a file or in the environment",
      );
    return { username: flags.username, password: (await input()).replace(/\r?\n$/, "") };
  }
  if (flags.username !== undefined) throw new UsageError("--username needs --password-stdin");
  const { DELIVERY_REGISTRY_USERNAME: username, DELIVERY_REGISTRY_PASSWORD: password } = environment;
  return username === undefined || password === undefined ? undefined : { username, password };
}
