import { selectServices } from "../affected/select-services.ts";
import { buildImages, imageBuilds, type BuiltImage } from "../build/build-images.ts";
import { chooseBuilder, type BuilderName, type ImageBuild } from "../build/builders.ts";
import { tagsOf } from "../build/image-tags.ts";
import { parseOptions, required, UsageError, type Command, type CommandContext } from "../command.ts";
import { readMonorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";
import { writeDockerConfig } from "../registry/docker-config.ts";
import { locateImages } from "../registry/image-name.ts";
import {
  givenLogin,
  registryHelp,
  registryOptions,
  registryWith,
  type RegistryFlags,
} from "../registry/open-registry.ts";
import { writeDigests } from "../release/digests-file.ts";

const help = `Builds images and pushes them, with the tags STABLE.NUMBER (images.tag of the stack file is STABLE) and the commit,
and says their digests, by which they are released. Layers of earlier builds come from the registry, where they are
kept under the tag buildcache. A push that fails for a passing reason is tried four times.

Usage: npx delivery build --env ENVIRONMENT (--service NAME … | --from COMMIT [--to COMMIT] | --all) [OPTIONS]

  --env ENVIRONMENT    whose stack file says where the images are, e.g. dev
  --service NAME       only this service; once per service
  --from COMMIT        only the services that have changed since
  --to COMMIT          and until                     (default: HEAD)
  --all                all services
  --no-push            build only; needs no login
  --output FILE        write the digests there as JSON, {"link": "sha256:0123…"}, once all images are pushed
  --build-number N     the NUMBER of the tag         (default: CIRCLE_BUILD_NUM; without it only the commit)
  --commit SHA         what the images are built from (default: CIRCLE_SHA1, else HEAD)
  --builder NAME       buildctl or buildx (default: buildctl where BUILDKIT_HOST is set and buildctl is
                       there, else docker buildx)
  --concurrency N      how many images at once       (default: 3)
  --json               print the result as JSON

Where CIRCLE_BRANCH is another branch than github.branch of the stack file, an image gets the commit's tag only: no
watcher of the registry takes it for the newest.

${registryHelp}`;

export const command: Command = { summary: "build images and push them", help, run };

async function run(args: readonly string[], context: CommandContext): Promise<void> {
  const options = parseOptions(args, {
    ...registryOptions,
    env: { type: "string" },
    service: { type: "string", multiple: true },
    from: { type: "string" },
    to: { type: "string" },
    all: { type: "boolean" },
    "no-push": { type: "boolean" },
    output: { type: "string" },
    "build-number": { type: "string" },
    commit: { type: "string" },
    builder: { type: "string" },
    concurrency: { type: "string", default: "3" },
    json: { type: "boolean" },
  });
  const { env, output, builder, "no-push": noPush = false, json = false } = options;
  if (noPush && output !== undefined)
    throw new UsageError("--output needs a push: what is in no registry has no digest");
  if (builder !== undefined && builder !== "buildctl" && builder !== "buildx")
    throw new UsageError(`--builder ${JSON.stringify(builder)}: must be buildctl or buildx`);
  if (!/^[1-9]\d?$/.test(options.concurrency))
    throw new UsageError(`--concurrency ${JSON.stringify(options.concurrency)}: must be a number from 1 to 99`);
  const name = required("env", env);
  const project = new Project();
  const monorepo = readMonorepo(project, name);
  const services = await selectServices(monorepo, options, context.note);
  const tags = await tagsOf(project.stackFile(name).read("github", "gitops"), monorepo, options, context);
  const builds = imageBuilds(monorepo, services, { tags, push: !noPush });
  const images = await built(builds, { ...options, builder }, context);
  if (output !== undefined)
    writeDigests(
      output,
      Object.fromEntries(images.flatMap(({ service, digest }) => (digest ? [[service, digest]] : []))),
    );
  report(images, json, context);
}

interface BuildFlags extends RegistryFlags {
  readonly builder: BuilderName | undefined;
  readonly concurrency: string;
}

/** All images, with the login in a file that lives as long as the builds. */
async function built(
  builds: readonly ImageBuild[],
  flags: BuildFlags,
  context: CommandContext,
): Promise<readonly BuiltImage[]> {
  const [first] = builds;
  if (first === undefined) return [];
  const { DOCKERHUB_PASSWORD: _, DELIVERY_REGISTRY_PASSWORD: __, ...rest } = context.environment;
  const login = await givenLogin(flags, context);
  using config = login === undefined ? undefined : writeDockerConfig(locateImages(first.repository).host, login, rest);
  const environment = config === undefined ? rest : { ...rest, DOCKER_CONFIG: config.path };
  return await buildImages(builds, Number(flags.concurrency), {
    builder: await chooseBuilder(flags.builder, environment),
    environment,
    registry: registryWith(login, context),
    note: context.note,
    signal: context.signal,
  });
}

function report(images: readonly BuiltImage[], json: boolean, { print }: CommandContext): void {
  if (json) return print(JSON.stringify({ images }));
  if (images.length === 0) return print("nothing to build");
  for (const { service, repository, digest, tags, seconds } of images) {
    const what = digest === null ? "built, not pushed" : `${repository}@${digest}, tags ${tags.join(", ")}`;
    print(`${service}: ${what} (${seconds.toFixed(1)} s)`);
  }
}
