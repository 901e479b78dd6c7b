/** Where on which registry a repository of images is. */
export interface ImageLocation {
  /** The registry as it appears in image names and in Docker's config file. */
  readonly host: string;
  /** The base URL of its API. */
  readonly url: string;
  /** The name on that registry, e.g. `acme/shop-link`. */
  readonly name: string;
}

/** What stands before the tag and the digest of a reference, e.g. of `localhost:5001/acme/shop-link:1.2@sha256:…`. */
export function repositoryOfReference(reference: string): string {
  return reference.replace(/@[^@]*$/, "").replace(/:[^:/]*$/, "");
}

/** Reads `docker.io/acme/shop-link` or `localhost:5001/acme/shop-link` as Docker does: registries on this machine speak plain HTTP. */
export function locateImages(repository: string): ImageLocation {
  const [first = "", ...rest] = repository.split("/");
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  // Names of hosts are the same in any case, and Docker takes both.
  const host = hasHost ? first.toLowerCase() : "docker.io";
  const path = hasHost ? rest.join("/") : repository;
  if (host === "docker.io" || host === "index.docker.io") {
    return {
      host: "docker.io",
      url: "https://registry-1.docker.io",
      name: path.includes("/") ? path : `library/${path}`,
    };
  }
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
  return { host, url: `${local ? "http" : "https"}://${host}`, name: path };
}

/** Whether a registry is Amazon's ECR, whose logins hold for 12 hours. */
export function isElasticRegistry(host: string): boolean {
  return /^\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)$/.test(host);
}

/** One part of the path of a repository, as a regular expression. */
export const nameComponent = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const imageName = new RegExp(`^(?:[a-z0-9.-]+|\\[[0-9a-f:]+\\])(?::\\d+)?(?:/${nameComponent})+$`);

/**
 * The one form of a repository's name in which release records and manifests have it, with the registry's host: kustomize
 * takes `acme/shop-link` and `docker.io/acme/shop-link` for two names, and passes over the one that no manifest has.
 * @returns `undefined`: it is no such name, e.g. for a tag, a digest or upper case in it
 */
export function normalImageName(repository: string): string | undefined {
  const { host, name } = locateImages(repository);
  const full = `${host}/${name}`;
  return imageName.test(full) ? full : undefined;
}
