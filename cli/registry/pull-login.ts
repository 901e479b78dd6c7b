import { pullVariables } from "../../core/names.ts";
import { CommandError } from "../command.ts";
import type { RegistryLogin } from "./docker-config.ts";

const { username: usernameVariable, password: passwordVariable, registry: registryVariable } = pullVariables;

/**
 * The login for pulls that the environment has; `undefined`: it has none.
 * @throws CommandError if there is only a part of it
 */
export function pullLogin(environment: Readonly<Record<string, string | undefined>>): RegistryLogin | undefined {
  const { [usernameVariable]: username = "", [passwordVariable]: password = "" } = environment;
  const host = environment[registryVariable] || "docker.io";
  if (username === "" && password === "") return undefined;
  if (username === "" || password === "")
    throw new CommandError(
      `${username === "" ? usernameVariable : passwordVariable} is not set, but ${username === "" ? passwordVariable : usernameVariable} is; set both, or none of them`,
    );
  if (!/^[\w.-]+(?::\d+)?$/.test(host))
    throw new CommandError(
      `${registryVariable}=${JSON.stringify(host)}: must be a registry as image names have it, e.g. ghcr.io or registry.acme.example:5000`,
    );
  return { host, login: { username, password } };
}
