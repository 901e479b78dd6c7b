import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Image } from "@pulumi/docker/image.js";
import * as pulumi from "@pulumi/pulumi";
import { normalImageName } from "../core/image-name.ts";
import { imageRepository } from "../core/names.ts";
import type { Problem } from "../core/problem.ts";
import { parseRecord, recordPath } from "../git/release-record.ts";
import { rejectProblems } from "./rejection.ts";
import type { Registry } from "./secrets.ts";
import type { Service } from "./service/service.ts";

/** Where an image comes from: built here, or what CI has released (`none`: nothing yet). */
type ImageSource = BuildSource | { digest: string } | "none";

/** How this program builds an image and pushes it. */
interface BuildSource {
  /** The build context, relative to the program. */
  context: string;
  dockerfile: string;
  /** The stage that is the image. @default the last one */
  target?: string | undefined;
  buildArgs?: Readonly<Record<string, string>> | undefined;
  /** For example `linux/amd64`. */
  platform: string;
  /** The tag pushed for people; deployed is the digest. */
  tag: string;
  /** @default what Docker's config file of this machine says */
  registry?: Registry | undefined;
}

/** A service's repository on the registry, and the image in it that the environment runs. */
export interface ServiceImage {
  /** `registry/organization/app-service`, without tag or digest. */
  readonly repository: string;
  /** The image by digest; `undefined` as long as CI has released none. */
  readonly reference: pulumi.Output<string> | undefined;
  /** Where this program builds it; what is set for a new image must not be applied without it. */
  readonly built: Image | undefined;
}

/** What all images belong to. From its arguments a preview knows which services there are. */
class ServiceImages extends pulumi.ComponentResource {
  /** @param repositories by service */
  constructor(name: string, repositories: Readonly<Record<string, string>>) {
    // A part of the URN of every image, as it stands in the states of stacks: it cannot be renamed to a plural.
    super("delivery:images:ServiceImage", name, { repositories });
    this.registerOutputs();
  }
}

function build(name: string, repository: string, source: BuildSource, opts: pulumi.CustomResourceOptions): Image {
  const { context, dockerfile, target, buildArgs, platform, tag, registry } = source;
  const tagged = `${repository}:${tag}`;
  return new Image(
    name,
    {
      imageName: tagged,
      // The paths are relative to the program, so that the state is the same on every machine.
      build: {
        context,
        dockerfile,
        ...(target === undefined ? {} : { target }),
        platform,
        args: { ...buildArgs, BUILDKIT_INLINE_CACHE: "1" },
        cacheFrom: { images: [tagged] },
      },
      buildOnPreview: false,
      ...(registry === undefined ? {} : { registry }),
    },
    opts,
  );
}

export interface ServiceImagesArgs {
  /** The stack file, for messages. */
  file: string;
  app: { name: string; directory: string };
  environment: string;
  /** With `gitops` the release records are in the deploy repository, and Argo CD reads them. */
  delivery: "gitops" | "direct";
  images: {
    registry: string;
    organization: string;
    /** `build`: this program builds and pushes; `registry`: the release records say what CI pushed. */
    source: "build" | "registry";
    /** A service may say its own; the program builds for one alone. */
    platforms: readonly string[];
    tag: string;
    /** The directory of the release records; needed by source `registry`. */
    releases?: string | undefined;
  };
  /** @default what Docker's config file of this machine says */
  registry?: Registry | undefined;
}

/**
 * The images of all services, by service. Source `registry` needs neither a Docker daemon nor a login.
 * @throws pulumi.RunError with all invalid release records at once, before anything is declared
 */
export function serviceImages(
  services: readonly Service[],
  args: ServiceImagesArgs,
): ReadonlyMap<string, ServiceImage> {
  const sources = imageSources(services, args);
  const repositories = Object.fromEntries(
    services.map(({ name }) => [name, imageRepository(args.images, args.app.name, name)]),
  );
  const parent = new ServiceImages(args.app.name, repositories);
  return new Map(
    [...sources].map(([name, source]) => {
      const repository = repositories[name] ?? "";
      return [name, { repository, ...imageFrom(source, name, repository, parent) }];
    }),
  );
}

function imageFrom(
  source: ImageSource,
  name: string,
  repository: string,
  parent: pulumi.Resource,
): Pick<ServiceImage, "reference" | "built"> {
  if (source === "none") return { reference: undefined, built: undefined };
  if ("digest" in source) return { reference: pulumi.output(`${repository}@${source.digest}`), built: undefined };
  const built = build(name, repository, source, { parent });
  return { reference: built.repoDigest, built };
}

function imageSources(services: readonly Service[], args: ServiceImagesArgs): Map<string, ImageSource> {
  const { images, registry } = args;
  if (images.source === "build") {
    const { tag } = images;
    return new Map(
      services.map(({ name, context, dockerfile, target, buildArgs, platforms = images.platforms }) => {
        const [platform = "", ...others] = platforms;
        if (others.length > 0) throw new Error(`unreachable: ${name} is built here for several platforms`);
        return [name, { context, dockerfile, target, buildArgs, platform, tag, registry }];
      }),
    );
  }
  return args.delivery === "direct"
    ? releasedSources(services, args)
    : new Map(services.map(({ name }) => [name, "none"]));
}

function releasedSources(
  services: readonly Service[],
  { app, environment, file, images }: ServiceImagesArgs,
): Map<string, { digest: string } | "none"> {
  const releases = images.releases ?? "";
  // An empty directory means that nothing is released yet; a wrong path must not take everything down.
  if (!existsSync(releases)) {
    rejectProblems([
      {
        location: `${file}: images.releases`,
        message: `${JSON.stringify(releases)} does not exist; correct the path, or make an empty directory for a new environment`,
      },
    ]);
  }
  const problems: Problem[] = [];
  const sources = new Map<string, { digest: string } | "none">();
  for (const { name } of services) {
    const path = releaseRecordPath(releases, environment, name);
    const record = readReleaseRecord(path, imageRepository(images, app.name, name));
    if ("problems" in record) problems.push(...record.problems);
    else if (record.digest !== undefined) sources.set(name, { digest: record.digest });
    else {
      sources.set(name, "none");
      void pulumi.log.warn(
        `${name} is not deployed yet: CI has released no image of it to ${environment} (there is no ${path})`,
      );
    }
  }
  rejectProblems(problems);
  return sources;
}

/** Where the release record of a service is: the file that CI writes and that says what runs in an environment. */
export function releaseRecordPath(releases: string, environment: string, service: string): string {
  return join(releases, recordPath(environment, service));
}

/**
 * The digest that a release record pins; `undefined` if nothing has been released yet.
 * @param repository the image the record must speak of
 */
export function readReleaseRecord(
  file: string,
  repository: string,
): { digest: string | undefined } | { problems: Problem[] } {
  if (!existsSync(file)) return { digest: undefined };
  const record = parseRecord(file, readFileSync(file, "utf8"));
  if ("problems" in record) return record;
  const { image } = record;
  if (image !== undefined && normalImageName(image.repository) !== normalImageName(repository)) {
    return {
      problems: [
        {
          location: `${file}: images.0.name`,
          message: `${JSON.stringify(image.repository)} is another image than ${repository}; correct images.registry or images.organization, or release again`,
        },
      ],
    };
  }
  return { digest: image?.digest };
}
