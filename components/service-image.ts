import { Image } from "@pulumi/docker/image.js";
import * as pulumi from "@pulumi/pulumi";
import { imageRepository } from "./names.ts";
import { rejectProblems } from "./problem.ts";
import { readReleaseRecord, releaseRecordPath } from "./release-record.ts";
import type { Registry } from "./secrets.ts";
import type { Service } from "./service.ts";

export interface ServiceImageArgs {
  /** The first part of the repository's name. */
  app: string;
  environment: string;
  /** The service's directory, with its Dockerfile. */
  directory: string;
  /** The build context, relative to the program. */
  context: string;
  images: {
    registry: string;
    organization: string;
    source: "build" | "registry";
    platform: string;
    tag: string;
    releases?: string | undefined;
  };
  registry: Registry;
}

/**
 * A service's repository on the registry, and the image of it that the environment runs.
 *
 * Source `build` builds and pushes the image; source `registry` takes what the release record says that CI pushed,
 * which needs neither a Docker daemon nor a login.
 */
export class ServiceImage extends pulumi.ComponentResource {
  /** `registry/organization/app-service`, without tag or digest. */
  readonly repository: string;
  /** The image by digest; `undefined` as long as CI has released none. */
  readonly reference: pulumi.Output<string> | undefined;

  constructor(name: string, args: ServiceImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("delivery:images:ServiceImage", name, { source: args.images.source, platform: args.images.platform }, opts);
    this.repository = imageRepository(args.images, args.app, name);
    this.reference = args.images.source === "build" ? this.build(name, args) : this.released(name, args);
    this.registerOutputs({ repository: this.repository, reference: this.reference });
  }

  private build(name: string, args: ServiceImageArgs): pulumi.Output<string> {
    const { platform, tag } = args.images;
    const tagged = `${this.repository}:${tag}`;
    const image = new Image(
      name,
      {
        imageName: tagged,
        build: {
          context: args.context,
          dockerfile: `${args.directory}/Dockerfile`,
          platform,
          args: { BUILDKIT_INLINE_CACHE: "1" },
          cacheFrom: { images: [tagged] },
        },
        buildOnPreview: false,
        registry: args.registry,
      },
      // The provider stores the paths; relative ones are the same on every machine.
      { parent: this },
    );
    return image.repoDigest;
  }

  private released(name: string, args: ServiceImageArgs): pulumi.Output<string> | undefined {
    const file = releaseRecordPath(args.images.releases ?? "", args.environment, name);
    const record = readReleaseRecord(file, this.repository);
    if ("problems" in record) {
      rejectProblems(record.problems);
      return undefined;
    }
    if (record.digest === undefined) {
      void pulumi.log.warn(`${name} is not deployed yet: CI has released no image to ${args.environment} (${file} does not exist)`, this);
      return undefined;
    }
    return pulumi.output(`${this.repository}@${record.digest}`);
  }
}

/** The images of all services, by service. */
export function serviceImages(
  services: readonly Service[],
  args: Omit<ServiceImageArgs, "app" | "directory" | "context" | "images"> & {
    app: { name: string; directory: string };
    images: ServiceImageArgs["images"] & { context: "service" | "app" };
  },
): ReadonlyMap<string, ServiceImage> {
  const { app, images, environment, registry } = args;
  return new Map(
    services.map(({ name, directory }) => {
      const context = images.context === "app" ? app.directory : directory;
      return [name, new ServiceImage(name, { app: app.name, environment, directory, context, images, registry })];
    }),
  );
}
