import { CommandError } from "../command.ts";
import type { RegistryLogin } from "./docker-config.ts";

/** A login that may only read, for the images that builds take: a build for a pull request has no other. */
export const pullUsernameVariable = "DELIVERY_PULL_USERNAME";
export const pullPasswordVariable = "DELIVERY_PULL_PASSWORD";
/** The registry that it is for, as image names have it. @default docker.io */
export const pullRegistryVariable = "DELIVERY_PULL_REGISTRY";

/**
 * The login for pulls that the environment has; `undefined`: it has none.
 * @throws CommandError if there is only a part of it
 */
export function pullLogin(environment: Readonly<Record<string, string | undefined>>): RegistryLogin | undefined {
  const { [pullUsernameVariable]: username = "", [pullPasswordVariable]: password = "" } = environment;
  const host = environment[pullRegistryVariable] || "docker.io";
  if (username === "" && password === "") return undefined;
  if (username === "" || password === "")
    throw new CommandError(
      `${username === "" ? pullUsernameVariable : pullPasswordVariable} is not set, but ${username === "" ? pullPasswordVariable : pullUsernameVariable} is; set both, or none of them`,
    );
  if (!/^[\w.-]+(?::\d+)?$/.test(host))
    throw new CommandError(
      `${pullRegistryVariable}=${JSON.stringify(host)}: must be a registry as image names have it, e.g. ghcr.io or registry.acme.example:5000`,
    );
  return { host, login: { username, password } };
}
