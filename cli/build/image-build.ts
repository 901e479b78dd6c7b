import { join, resolve } from "node:path";
import { imageRepository } from "../../components/names.ts";
import type { Service } from "../../components/service.ts";
import type { Monorepo } from "../monorepo.ts";

/** One image that is to be built. */
export interface ImageBuild {
  readonly service: string;
  /** Without tag or digest, e.g. `docker.io/acme/shop-link`. */
  readonly repository: string;
  readonly tags: readonly string[];
  /** The build context and the Dockerfile, as absolute paths. */
  readonly context: string;
  readonly dockerfile: string;
  /** For example `linux/amd64`. */
  readonly platform: string;
  /** Whether the image and its layer cache go to the registry. */
  readonly push: boolean;
}

/** The builds of some services, as the program itself declares them with `images.source: build`. */
export function imageBuilds(
  { app, images, root }: Monorepo,
  services: readonly Service[],
  { tags, push }: Pick<ImageBuild, "tags" | "push">,
): ImageBuild[] {
  return services.map(({ name, directory }) => ({
    service: name,
    repository: imageRepository(images, app.name, name),
    tags,
    context: resolve(images.context === "app" ? root : directory),
    dockerfile: resolve(join(directory, "Dockerfile")),
    platform: images.platform,
    push,
  }));
}
