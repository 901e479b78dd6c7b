import type { CommandContext } from "../command.ts";
import { UsageError, type OptionTable, type OptionValues } from "../options.ts";
import type { Login } from "./authorization.ts";
import { registryClient, type Registry } from "./client.ts";
import type { FetchLimits } from "./fetch-with-retry.ts";
import { dockerLogin } from "./docker-config.ts";
import { pullLogin } from "./pull-login.ts";
import type { RegistryOptions } from "./session.ts";

/** The options that say how to log in to the registry. */
export const registryOptions = {
  username: { value: "USER", help: "the registry's user, with --password-stdin" },
  "password-stdin": { help: "read the registry's password from standard input" },
} as const satisfies OptionTable;

export const registryHelp = `Without --username and --password-stdin, the login of the registry is DELIVERY_REGISTRY_USERNAME
  and DELIVERY_REGISTRY_PASSWORD in the environment, DOCKERHUB_USERNAME and DOCKERHUB_PASSWORD, which CI has in the
  context of builds, DELIVERY_PULL_USERNAME and DELIVERY_PULL_PASSWORD on DELIVERY_PULL_REGISTRY, or that of \`docker login\`, with Docker's credential helpers.`;

export interface RegistryFlags extends Partial<OptionValues<typeof registryOptions>> {
  /** `-` reads standard input, which `--password-stdin` cannot read, too. */
  readonly digests?: string | undefined;
}

/** The registry with the login that the user gives. */
export async function openRegistry(
  flags: RegistryFlags,
  context: CommandContext,
  limits?: FetchLimits,
): Promise<Registry> {
  return registryWith(await givenLogin(flags, context), context, limits);
}

/** @param given the login, whatever the registry; `undefined`: that of `docker login` */
export function registryWith(given: Login | undefined, context: CommandContext, limits?: FetchLimits): Registry {
  return registryClient(registryAccess(given, context, { limits }));
}

/**
 * How registries are asked.
 * @param given the login that the user gives; `undefined`: that of `docker login`
 * @param host the only registry that the given login is for. @default whichever is asked
 */
export function registryAccess(
  given: Login | undefined,
  context: CommandContext,
  { host: ofGiven, limits }: { readonly host?: string; readonly limits?: FetchLimits | undefined } = {},
): RegistryOptions {
  const warned = new Set<string>();
  const pull = pullLogin(context.environment);
  return {
    login: async (host) =>
      (ofGiven === undefined || ofGiven === host ? given : undefined) ??
      (pull?.host === host ? pull.login : undefined) ??
      dockerLogin(host, context.environment),
    limits: {
      ...limits,
      onScarce: (remaining, url) => {
        const { host } = new URL(url);
        if (!warned.has(host)) context.note(`${host} allows ${remaining} more requests for now`);
        warned.add(host);
      },
    },
  };
}

/** The login in the command line or the environment; `undefined`: there is none. */
export async function givenLogin(
  flags: RegistryFlags,
  { environment, input }: Pick<CommandContext, "environment" | "input">,
): Promise<Login | undefined> {
  if (flags["password-stdin"] === true) {
    if (flags.username === undefined) throw new UsageError("--password-stdin needs --username");
    if (flags.digests === "-")
      throw new UsageError(
        "--password-stdin and --digests - both read standard input; put one in a file or in the environment",
      );
    return { username: flags.username, password: (await input()).replace(/\r?\n$/, "") };
  }
  if (flags.username !== undefined) throw new UsageError("--username needs --password-stdin");
  for (const prefix of ["DELIVERY_REGISTRY", "DOCKERHUB"]) {
    const [username = "", password = ""] = [environment[`${prefix}_USERNAME`], environment[`${prefix}_PASSWORD`]];
    if (username !== "" && password !== "") return { username, password };
  }
  return undefined;
}
