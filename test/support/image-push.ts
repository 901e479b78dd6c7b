import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureCredentials } from "../../sandbox/machine/credentials.ts";
import { sandboxSettings } from "../../sandbox/machine/endpoints.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";

const run = promisify(execFile);

/**
 * Pushes another build of an image, as CI does: the same files, another digest.
 * @param stateDir of the sandbox with the registry
 * @param repository e.g. `localhost:5001/delinkcious/shop-cart`
 * @param tag e.g. `0.1.7`, for build 7
 * @param variables of the image's environment. @default as they are
 * @returns the digest
 */
export async function pushBuild(
  stateDir: string,
  repository: string,
  from: string,
  tag: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { crane } = await buildTools(["crane"], () => undefined);
  const env = { DOCKER_CONFIG: dockerConfig(stateDir, repository.split("/")[0] ?? "") };
  const set = Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  await run(crane, ["mutate", from, "--label", `build=${tag}`, ...set, "--tag", `${repository}:${tag}`], { env });
  return (await run(crane, ["digest", `${repository}:${tag}`], { env })).stdout.trim();
}

/** What `docker login` has left for CI. */
function dockerConfig(stateDir: string, host: string): string {
  const directory = join(stateDir, "docker-of-ci");
  const auth = Buffer.from(
    `${sandboxSettings().images.username}:${ensureCredentials(stateDir).registryPassword}`,
  ).toString("base64");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, "config.json"), JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 });
  return directory;
}
