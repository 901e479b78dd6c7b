import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { registryHost } from "./image-name.ts";
import type { ImageName } from "./image-name.ts";
import type { RegistryAccess } from "./image-inputs.ts";

/** Credentials in a private folder, in the form that Docker's clients read; gone at the end of `await using`. */
export interface RegistryCredentials extends AsyncDisposable {
  /** For the environment variable DOCKER_CONFIG. */
  folder: string;
}

/**
 * Writes the credentials for pushing `image` into a folder of its own in `directory`. `undefined` where user or password is missing: then, as with the official
 * plugin, those of the machine's Docker configuration count.
 */
export async function writeRegistryCredentials(
  access: RegistryAccess,
  image: ImageName,
  directory: string,
): Promise<RegistryCredentials | undefined> {
  if (access.username === "" || access.password === "") return undefined;
  const auth = Buffer.from(`${access.username}:${access.password}`).toString("base64");
  // They go with the push wherever the image's name leads, also if the server is named differently.
  const servers = [access.server === "" ? image.registry : registryHost(access.server), image.registry];
  const auths = Object.fromEntries(servers.map((server) => [serverKey(server), { auth }]));
  // mkdtemp makes a folder that only its owner can enter.
  const folder = await mkdtemp(join(directory, "delivery-registry-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await writeFile(join(folder, "config.json"), JSON.stringify({ auths }), { mode: 0o600 });
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, [Symbol.asyncDispose]: remove };
}

/** Docker Hub's credentials are kept under the address of its first API. */
function serverKey(server: string): string {
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(server)
    ? "https://index.docker.io/v1/"
    : server;
}
