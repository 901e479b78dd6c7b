/** A Dockerfile, and what its image may be called, without the parts of a registry. */
interface NamedDockerfile {
  readonly path: string;
  readonly names: readonly string[];
}

/**
 * Which Dockerfile makes the images that files of Kubernetes and Compose only name: `acme/shop-cart` is that of the directory
 * `cart`. What could be that of several is nobody's.
 * @param images without what chooses one of their versions
 * @returns image → Dockerfile
 */
export function imageOwners(
  images: readonly string[],
  dockerfiles: readonly NamedDockerfile[],
  app: string,
): ReadonlyMap<string, string> {
  const isRoot = ({ path }: NamedDockerfile): boolean => !path.includes("/");
  const owners = new Map<string, string>();
  for (const image of new Set(images)) {
    const last = (image.split("/").at(-1) ?? "").toLowerCase().replaceAll("_", "-");
    const rated = dockerfiles
      .map((one) => ({ path: one.path, rating: Math.max(...one.names.map((name) => ratingOf(last, name, app))) }))
      .filter(({ rating }) => rating > 0)
      .toSorted((a, b) => b.rating - a.rating);
    const [best, next] = rated;
    const roots = dockerfiles.length === 1 ? dockerfiles : dockerfiles.filter(isRoot);
    const [root] = roots;
    if (best !== undefined && next?.rating !== best.rating) owners.set(image, best.path);
    else if (best === undefined && root !== undefined && roots.length === 1 && isCalledAfter(last, app))
      owners.set(image, root.path);
  }
  return owners;
}

/** How well the name of an image fits: as it is, after the app's, or behind other words, of which the longest fits best. */
function ratingOf(image: string, name: string, app: string): number {
  if (image === name || image === `${app}-${name}`) return 1000;
  return name.length > 2 && image.endsWith(`-${name}`) ? name.length : 0;
}

function isCalledAfter(image: string, app: string): boolean {
  return image === app || image.startsWith(`${app}-`);
}
