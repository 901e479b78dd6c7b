import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { CommandError } from "../command.ts";
import type { Login } from "../registry-authorization.ts";

/** A directory that Docker's clients read their logins from; gone at the end of `await using`. */
export interface DockerConfig extends AsyncDisposable {
  /** For the environment variable DOCKER_CONFIG. */
  readonly directory: string;
}

const configSchema = z.looseObject({ auths: z.record(z.string(), z.unknown()).optional() });

/**
 * The user's own configuration with one more login in it: builders, contexts and plugins stay those of the user.
 * @param host the registry as image names have it
 */
export async function writeDockerConfig(
  host: string,
  { username, password }: Login,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DockerConfig> {
  const own = environment["DOCKER_CONFIG"] ?? join(environment["HOME"] ?? homedir(), ".docker");
  // A store of logins would hide those in the file.
  const { credsStore: _, credHelpers: __, auths, ...rest } = readConfig(join(own, "config.json"));
  const login = { auth: Buffer.from(`${username}:${password}`).toString("base64") };
  // mkdtemp makes a directory that only its owner can enter.
  const directory = await mkdtemp(join(tmpdir(), "delivery-docker-"));
  // Also when this process ends by an error that nobody expects, such as a closed terminal.
  const removeAtOnce = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", removeAtOnce);
  const remove = async (): Promise<void> => {
    await rm(directory, { recursive: true, force: true });
    process.off("exit", removeAtOnce);
  };
  try {
    const config = JSON.stringify({ ...rest, auths: { ...auths, [serverOf(host)]: login } });
    await writeFile(join(directory, "config.json"), config, { mode: 0o600 });
    const others = existsSync(own) ? readdirSync(own).filter((name) => name !== "config.json") : [];
    await Promise.all(others.map((name) => symlink(join(own, name), join(directory, name))));
  } catch (error) {
    await remove();
    throw error;
  }
  return { directory, [Symbol.asyncDispose]: remove };
}

/** Docker Hub's login is kept under the address of its first API. */
function serverOf(host: string): string {
  return host === "docker.io" ? "https://index.docker.io/v1/" : host;
}

function readConfig(file: string): z.infer<typeof configSchema> {
  if (!existsSync(file)) return {};
  try {
    return configSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new CommandError(`${file} is not a config file of Docker; correct it, or log in again`, { cause: error });
  }
}
