import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeDockerConfig } from "../cli/registry/docker-config.ts";
import { outputOf } from "../core/process.ts";
import { sandboxSettings } from "../sandbox/machine/endpoints.ts";
import type { BuildEndpoints } from "../test/support/delivery-build.ts";

const metadataSchema = z.object({ "containerimage.digest": z.string() });

/**
 * The baseline of the benchmarks: what a first build script does, `docker build` and `docker push` of all services one after
 * the other, each with two tags, by the sandbox's BuildKit. It does not compile all packages each time (`go build -a`), as
 * such a script's Dockerfiles do, which would cost it more.
 * @returns service → digest
 */
export async function buildBaseline(
  directory: string,
  { buildKit, password, registryHost }: BuildEndpoints,
): Promise<Map<string, string>> {
  const app = join(directory, "examples/delinkcious");
  const login = { username: sandboxSettings().images.username, password };
  using config = writeDockerConfig([{ host: registryHost, login }], { HOME: directory });
  const metadata = join(config.path, "metadata.json");
  const digests = new Map<string, string>();
  for (const folder of readdirSync(join(app, "svc"))) {
    const service = folder.replace(/_service$/, "").replaceAll("_", "-");
    const image = repositoryOf(registryHost, service);
    const args = [
      "build",
      "--progress=plain",
      "--frontend=dockerfile.v0",
      `--local=context=${app}`,
      `--local=dockerfile=${join(app, "svc", folder)}`,
      `--metadata-file=${metadata}`,
      `--output=type=image,"name=${image}:0.2,${image}:0.2.1",push=true,registry.insecure=true`,
    ];
    const env = { BUILDKIT_HOST: buildKit.address, DOCKER_CONFIG: config.path };
    await outputOf(buildKit.buildctl, args, { env });
    const { "containerimage.digest": digest } = metadataSchema.parse(JSON.parse(readFileSync(metadata, "utf8")));
    digests.set(service, digest);
  }
  return digests;
}

/** The repository of a service's images. */
export function repositoryOf(registryHost: string, service: string): string {
  return `${registryHost}/delinkcious/delinkcious-${service}`;
}
