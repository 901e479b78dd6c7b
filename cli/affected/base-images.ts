import { existsSync, readFileSync } from "node:fs";
import { imageRepository } from "../../core/names.ts";
import { CommandError } from "../command.ts";
import type { Monorepo } from "../project/monorepo.ts";
import { locateImages, repositoryOfReference } from "../../core/image-name.ts";
import { dockerfileSources } from "./dockerfile.ts";

/** A service from whose image another is made. */
export interface BaseImage {
  readonly service: string;
  /** The image, as the Dockerfile names it. */
  readonly image: string;
}

/**
 * The services whose images the Dockerfiles of others begin with or copy from, by the name of the other: these are built
 * after them, and anew with them.
 * @throws CommandError if an image is, by way of others, made from itself
 */
export function baseServices({ services, images, app }: Monorepo): ReadonlyMap<string, readonly BaseImage[]> {
  const owners = new Map(services.map(({ name }) => [repositoryOf(imageRepository(images, app.name, name)), name]));
  const bases = new Map(
    services.map(({ name, dockerfile, target, buildArgs }) => {
      const text = existsSync(dockerfile) ? readFileSync(dockerfile, "utf8") : "";
      const used = dockerfileSources(text, { target, buildArgs }).images;
      const found = used.flatMap((image): BaseImage[] => {
        const service = owners.get(repositoryOf(image));
        return service === undefined ? [] : [{ service, image }];
      });
      return [name, found] as const;
    }),
  );
  for (const [name, direct] of bases) {
    const all = new Set(direct.map(({ service }) => service));
    // Iterating over a Set also visits what is added meanwhile.
    for (const base of all) for (const { service } of bases.get(base) ?? []) all.add(service);
    if (all.has(name))
      throw new CommandError(
        `the image of ${name} is made from itself, by way of the Dockerfiles of ${[...all].join(", ")}; let one of them begin with another image`,
      );
  }
  return bases;
}

/** One form of a name without tag or digest, as a registry knows it. */
function repositoryOf(image: string): string {
  const { host, name: path } = locateImages(repositoryOfReference(image));
  return `${host}/${path}`.toLowerCase();
}
