import type { Service } from "../../components/service/service.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { selectServices } from "../affected/select-services.ts";
import { buildImages, buildOrder, imageBuilds, type BuiltImage } from "../build/build-images.ts";
import { chooseBuilder, type ImageBuild } from "../build/builders.ts";
import { missingSecrets, onlyBuildSecrets } from "../build/build-secrets.ts";
import { namesOf } from "../build/image-tags.ts";
import { prepareBuilds } from "../build/prepare.ts";
import { CommandError, defineCommand, type CommandContext } from "../command.ts";
import { environmentName, integer, oneOf, UsageError, type OptionTable, type OptionValues } from "../options.ts";
import { readMonorepo } from "../project/monorepo.ts";
import { Project } from "../project/stack-file.ts";
import { writeDockerConfig } from "../registry/docker-config.ts";
import { gitHubPage } from "../../core/github-web.ts";
import { locateImages } from "../../core/image-name.ts";
import { pullVariables, imageKeyVariable } from "../../core/names.ts";
import { givenLogin, registryAccess, registryHelp, registryOptions, registryWith } from "../registry/open-registry.ts";
import { pullLogin } from "../registry/pull-login.ts";
import { readDigests, writeDigests } from "../release/digests-file.ts";
import { buildKey, signBuilds } from "../signing/sign-builds.ts";

const options = {
  env: {
    value: "ENVIRONMENT",
    parse: environmentName,
    required: true,
    help: "whose stack file says where the images are, e.g. dev",
  },
  service: { value: "NAME", multiple: true, help: "only this service; once per service" },
  from: { value: "COMMIT", help: "only the services that have changed since" },
  to: { value: "COMMIT", help: "and until", defaultText: "HEAD" },
  all: { help: "all services" },
  prepared: { help: "what build.prepare of the services makes is there: do not run it" },
  unsigned: { help: "do not sign, although the stack file says so: for a push by hand" },
  "no-push": { help: "build only; needs no login that may push" },
  output: {
    value: "FILE",
    help: 'write the digests there as JSON, {"link": "sha256:0123…"}, once all images are pushed',
  },
  bases: {
    value: "FILE",
    help: `digests of images that were built just now, as --output writes them, or a directory of such files: what is made
      FROM these is made from them`,
  },
  "build-number": {
    value: "N",
    help: "the NUMBER of the tag",
    defaultText: "that of the run of CI; without it only the commit",
  },
  commit: { value: "SHA", help: "what the images are built from", defaultText: "that of the run of CI, else HEAD" },
  builder: {
    value: "NAME",
    parse: oneOf("buildctl", "buildx"),
    help: "buildctl or buildx",
    defaultText: "buildctl where BUILDKIT_HOST is set and buildctl is there, else docker buildx",
  },
  concurrency: { value: "N", parse: integer(1, 99), default: "3", help: "how many images at once" },
  json: { help: "print the result as JSON" },
  ...registryOptions,
} as const satisfies OptionTable;

export const command = defineCommand({
  summary: "build images and push them",
  description: [
    `Builds images and pushes them, with the tags STABLE.NUMBER (images.tag of the stack file is STABLE) and the commit, and
    says their digests, by which they are released. Layers of earlier builds come from the registry, where they are kept
    under the tag buildcache. A push that fails for a passing reason is tried four times.`,
    `Before that, it runs \`build.prepare\` of each service that has it, in the root of the monorepo on this machine, by
    bash -eo pipefail and without the logins of registries.`,
  ],
  usage: ["build --env ENVIRONMENT (--service NAME … | --from COMMIT [--to COMMIT] | --all) [OPTIONS]"],
  options,
  notes: [
    `Where the run of CI is of another branch than github.branch of the stack file, an image gets the commit's tag only: no
    watcher of the registry takes it for the newest. Nor does its build leave layers in the registry, with which those of
    the delivered branch begin.`,
    `Images that a Dockerfile builds on are pulled with DELIVERY_PULL_USERNAME and DELIVERY_PULL_PASSWORD, the login of an
    account that may only read, on the registry DELIVERY_PULL_REGISTRY (default: docker.io). \`images.pull\` of the stack
    file puts them into CircleCI's contexts, so that they reach the builds of pull requests, too, which have no other login.`,
    `Where the stack file has \`images.signing\`, what is pushed for the delivered branch gets a signature, an SBOM and its
    provenance, attached to its digest, by the private key in DELIVERY_IMAGE_KEY, which CI has in its context of builds.`,
    `Secrets that builds take (build.secrets of a service) are in DELIVERY_BUILD_SECRET_NAME, NAME being that of the secret
    of the stack in capitals, with _ for what is no letter or digit. CI has them in its context of builds. Without them, --no-push
    leaves the service out and says so, since pull requests get no secrets.`,
    registryHelp,
  ],
  run,
});

type BuildOptions = OptionValues<typeof options>;

async function run(flags: BuildOptions, context: CommandContext): Promise<void> {
  const { env, output, "no-push": noPush, json } = flags;
  if (noPush && output !== undefined)
    throw new UsageError("--output needs a push: what is in no registry has no digest");
  const project = new Project();
  const monorepo = readMonorepo(project, env);
  const services = await selectServices(monorepo, flags, context.note);
  const settings = project.stackFile(env).read("github", "gitops");
  const { tags, commit, releasable } = await namesOf(settings, monorepo, flags, context);
  const given = { tags, push: !noPush, keepsLayers: releasable };
  // Nobody releases what a branch or pull request builds, and its builds have no key.
  const signing = noPush || !releasable || flags.unsigned ? undefined : monorepo.images.signing;
  const key = signing === undefined ? undefined : buildKey(signing, monorepo.file, context);
  const { buildable, skipped } = withSecrets(services, noPush, context);
  if (!flags.prepared) {
    const environment = onlyBuildSecrets(withoutLogins(context.environment));
    await prepareBuilds(monorepo, buildable, environment, context);
  }
  const digests = { ...(flags.bases === undefined ? {} : await readDigests(flags.bases, async () => "")) };
  const images: BuiltImage[] = [];
  for (const group of buildOrder(monorepo, buildable)) {
    const builds = imageBuilds(monorepo, group, given, digests);
    const startedOn = new Date();
    const done = await built(builds, flags, context);
    for (const { service, digest } of done) if (digest !== null) digests[service] = digest;
    images.push(...done);
    if (key !== undefined)
      await signBuilds(done, {
        monorepo,
        key,
        commit,
        builds,
        run: { source: sourceOf(settings.github), environment: context.environment, startedOn, finishedOn: new Date() },
        registry: registryAccess(await givenLogin(flags, context), context),
        note: context.note,
      });
  }
  if (output !== undefined)
    writeDigests(
      output,
      Object.fromEntries(images.flatMap(({ service, digest }) => (digest ? [[service, digest]] : []))),
      "the images are pushed: give another --output, and run the same command again",
    );
  report(images, skipped, json, context);
}

function sourceOf(github: StackSettings["github"]): string | undefined {
  return github === undefined ? undefined : gitHubPage(github.api, github.repository);
}

/** A service that is not built, and why. */
interface SkippedBuild {
  readonly service: string;
  readonly reason: string;
}

/**
 * The services whose builds have the secrets that they take. What a pull request says is built without any, so that a build
 * without a push leaves the others out.
 * @throws CommandError if images are to be pushed, and a secret is not there
 */
function withSecrets(
  services: readonly Service[],
  noPush: boolean,
  { environment }: CommandContext,
): { buildable: readonly Service[]; skipped: readonly SkippedBuild[] } {
  const skipped = services.flatMap((service) => {
    const reason = missingSecrets(service, environment);
    return reason === undefined ? [] : [{ service: service.name, reason }];
  });
  if (skipped.length > 0 && !noPush)
    throw new CommandError(
      [
        ...skipped.map(({ service, reason }) => `${service} is not built: ${reason}`),
        "CI has these variables from the stack with owns.ciProject: run `pulumi up` there, or set them; nothing is built",
      ].join("\n       "),
    );
  const lacking = new Set(skipped.map(({ service }) => service));
  return { buildable: services.filter(({ name }) => !lacking.has(name)), skipped };
}

/** Builds all images, with the login in a file that is removed afterwards. */
async function built(
  builds: readonly ImageBuild[],
  flags: BuildOptions,
  context: CommandContext,
): Promise<readonly BuiltImage[]> {
  const [first] = builds;
  if (first === undefined) return [];
  const rest = withoutLogins(context.environment);
  const login = await givenLogin(flags, context);
  const pull = pullLogin(context.environment);
  const logins = [
    ...(pull === undefined ? [] : [pull]),
    ...(login === undefined ? [] : [{ host: locateImages(first.repository).host, login }]),
  ];
  using config =
    logins.length === 0 ? undefined : writeDockerConfig(logins, rest, [locateImages(first.repository).host]);
  const environment = config === undefined ? rest : { ...rest, DOCKER_CONFIG: config.path };
  return await buildImages(builds, flags.concurrency, {
    builder: await chooseBuilder(flags.builder, environment),
    environment,
    registry: registryWith(login, context),
    note: context.note,
    signal: context.signal,
  });
}

/** For what others have written: a build, and what prepares it. */
function withoutLogins(environment: CommandContext["environment"]): CommandContext["environment"] {
  const {
    DOCKERHUB_PASSWORD: _,
    DELIVERY_REGISTRY_PASSWORD: __,
    [pullVariables.password]: ___,
    [imageKeyVariable]: ____,
    ...rest
  } = environment;
  return rest;
}

function report(
  images: readonly BuiltImage[],
  skipped: readonly SkippedBuild[],
  json: boolean,
  { print }: CommandContext,
): void {
  if (json) return print(JSON.stringify({ images, skipped }));
  if (images.length + skipped.length === 0) return print("nothing to build");
  for (const { service, reason } of skipped)
    print(`${service}: NOT built: ${reason}; pull requests get no secrets, and it is built when it is merged`);
  for (const { service, repository, digest, tags, seconds } of images) {
    const what = digest === null ? "built, not pushed" : `${repository}@${digest}, tags ${tags.join(", ")}`;
    print(`${service}: ${what} (${seconds.toFixed(1)} s)`);
  }
}
